#include "assess/control_reader.h"

#include <optional>

#include "assess/pipeline_reader.h"

namespace casemate::assess {

using yaml::Entry;
using yaml::FailAt;
using yaml::Node;

namespace {

// A value that the vocabulary does not have would make a control that nobody has.
Result<void> CheckValue(Kind kind, const Entry& field, const Node& value) {
  const std::optional<std::size_t> index = FieldIndex(kind, field.name);
  if (!index) {
    return FailAt(field.mark, "no field \"" + field.name + "\"" +
                                  yaml::DidYouMean(field.name, FieldNames(kind)));
  }
  Fact fact;
  const Field& info = InfoOf(kind).fields[*index];
  if (info.type == FieldType::kReference || info.type == FieldType::kReferences) {
    return value.text == "none" || value.text == "unknown"
               ? Result<void>()
               : FailAt(value.mark, "of a reference only none and unknown can be said here");
  }
  if (Result<void> read = ReadValue(Pipeline(), info, {value.text}, false, fact); !read) {
    return FailAt(value.mark, read.error().message);
  }
  return {};
}

Result<void> ReadIs(const Node& node, std::string_view name, Control& control) {
  const Node* is = node.Get(name);
  if (is == nullptr) {
    return {};
  }
  for (const Entry& entry : is->entries) {
    std::vector<std::string> values;
    for (const Node& value : entry.value.items) {
      if (Result<void> checked = CheckValue(control.kind, entry, value); !checked) {
        return checked;
      }
      values.push_back(value.text);
    }
    if (values.empty()) {
      return FailAt(entry.mark, entry.name + ": expected a list of values");
    }
    (name == "is" ? control.is : control.is_not).emplace_back(entry.name, std::move(values));
  }
  return {};
}

}  // namespace

Result<Texts> TextsOf(const Node& node) {
  Result<std::string> en = RequiredText(node, "en");
  Result<std::string> de = RequiredText(node, "de");
  if (!en || !de) {
    return std::unexpected(en ? de.error() : en.error());
  }
  return Texts{.en = *std::move(en), .de = *std::move(de)};
}

Result<void> CheckRisk(const std::string& id, yaml::Mark mark, const RuleSet& rules) {
  if (id == "exit" || rules.FindAdversary(id) != nullptr) {
    return {};
  }
  std::vector<std::string_view> known = {"exit"};
  for (const Adversary& adversary : rules.adversaries) {
    known.push_back(adversary.id);
  }
  return FailAt(mark, "no risk \"" + id + "\"" + yaml::DidYouMean(id, known));
}

Result<Control> ReadControl(const Node& node, const RuleSet& rules) {
  if (Result<void> names = OnlyNames(
          node, {"id", "en", "de", "for", "is", "is_not", "key_holder", "without", "claimed_for"},
          "a control");
      !names) {
    return std::unexpected(names.error());
  }
  Result<std::string> id = RequiredText(node, "id");
  Result<Texts> title = id ? TextsOf(node) : std::unexpected(id.error());
  Result<std::string> of = title ? RequiredText(node, "for") : std::unexpected(title.error());
  if (!of) {
    return std::unexpected(of.error());
  }
  const std::optional<Kind> kind = KindOfName(*of);
  if (!kind) {
    return FailAt(node.Get("for")->mark, "for: no kind of element \"" + *of + "\"");
  }
  Control control{.id = *std::move(id), .title = *std::move(title), .kind = *kind};
  for (const char* name : {"is", "is_not"}) {
    if (Result<void> read = ReadIs(node, name, control); !read) {
      return std::unexpected(read.error());
    }
  }
  if (const Node* holder = node.Get("key_holder")) {
    if (*kind != Kind::kStore || (holder->text != "you" && holder->text != "others")) {
      return FailAt(holder->mark, "key_holder: expected you or others, of a store");
    }
    control.key_holder = holder->text == "you" ? Control::Holder::kYou : Control::Holder::kOthers;
  }
  if (const Node* without = node.Get("without")) {
    for (const Entry& entry : without->entries) {
      if (Result<void> checked = CheckValue(*kind, entry, entry.value); !checked) {
        return std::unexpected(checked.error());
      }
      control.without.emplace_back(entry.name, entry.value.text);
    }
  }
  if (control.without.empty() || (control.is.empty() && control.is_not.empty())) {
    return FailAt(node.mark, "a control needs \"is\" or \"is_not\", and \"without\"");
  }
  if (const Node* claimed = node.Get("claimed_for")) {
    for (const Node& risk : claimed->items) {
      if (Result<void> known = CheckRisk(risk.text, risk.mark, rules); !known) {
        return std::unexpected(known.error());
      }
      control.claimed_for.push_back(risk.text);
    }
  }
  return control;
}

}  // namespace casemate::assess
