#include "assess/condition_reader.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace casemate::assess {
namespace {

using yaml::FailAt;
using yaml::Node;

constexpr std::array<std::string_view, kForms> kFormNames = {
    "authority", "exposed", "memory", "key",      "ciphertext",
    "contents",  "traffic", "attack", "plaintext"};
constexpr std::array<std::string_view, 3> kStepNames = {"ordinary", "controllable", "exploit"};
constexpr std::size_t kMaxPath = 4;

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    if (end != 0) {
      parts.push_back(text.substr(0, end));
    }
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

struct ReadPath {
  Path path;
  std::vector<Kind> kinds;       // that the last step can start from; for an empty path: the rule's
  const Field* field = nullptr;  // the last one; nullptr for an empty path
};

// "processor.tee.debug", whose first word is the kind that the rule is of.
Result<ReadPath> PathOf(std::string_view text, Kind of, yaml::Mark mark) {
  const std::vector<std::string_view> words = Split(text, '.');
  ReadPath read;
  read.kinds = {of};
  if (words.empty() || words[0] != InfoOf(of).name) {
    return FailAt(mark, "\"" + std::string(text) + "\": expected it to begin with \"" +
                            std::string(InfoOf(of).name) + "\"");
  }
  if (words.size() > kMaxPath + 1) {
    return FailAt(mark, "\"" + std::string(text) + "\" goes over more than 4 references");
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (i > 1) {
      if (read.field->targets.empty()) {
        return FailAt(mark, "\"" + std::string(words[i - 1]) +
                                "\" refers to nothing that could have \"" + std::string(words[i]) +
                                "\"");
      }
      read.kinds.assign(read.field->targets.begin(), read.field->targets.end());
    }
    std::array<std::int16_t, kKinds> step{};
    step.fill(-1);
    const Field* field = nullptr;
    for (const Kind kind : read.kinds) {
      const auto at = static_cast<std::size_t>(kind);
      if (const std::optional<std::size_t> index = FieldIndex(kind, words[i])) {
        step[at] = static_cast<std::int16_t>(*index);
        field = &InfoOf(kind).fields[*index];
      } else if (kind == Kind::kParty && words[i] == "operator") {
        step[at] = kSelf;
      }
    }
    if (field == nullptr) {
      return FailAt(mark, "a " + std::string(InfoOf(read.kinds[0]).name) + " has no \"" +
                              std::string(words[i]) + "\"" +
                              yaml::DidYouMean(words[i], FieldNames(read.kinds[0])));
    }
    read.path.steps.push_back(step);
    read.field = field;
  }
  return read;
}

Result<std::int32_t> ValueOf(const Field& field, std::string_view word, yaml::Mark mark) {
  const bool is_reference =
      field.type == FieldType::kReference || field.type == FieldType::kReferences;
  if (word == "none" && field.none_allowed) {
    return Fact::kNone;
  }
  if (is_reference && word == "you") {
    return Condition::kYou;
  }
  if (is_reference && word == "actor") {
    return Condition::kActor;
  }
  const auto found = std::ranges::find(field.words, word);
  if (found == field.words.end()) {
    return FailAt(mark, "\"" + std::string(field.name) + "\" cannot be \"" + std::string(word) +
                            "\"" +
                            yaml::DidYouMean(word, {field.words.begin(), field.words.end()}));
  }
  return static_cast<std::int32_t>(found - field.words.begin());
}

// PATH is [not] VALUE [or VALUE]... | within reach | measured | over NUMBER | beyond horizon
Result<Condition> ConditionOf(const Node& node, Kind of) {
  if (!node.is_scalar()) {
    return FailAt(node.mark, "expected \"PATH is VALUE\"");
  }
  const std::vector<std::string_view> words = Split(node.text, ' ');
  if (words.size() < 3 || words[1] != "is") {
    return FailAt(node.mark,
                  "expected \"PATH is [not] VALUE [or VALUE]\", \"PATH is [not] within "
                  "reach\", \"measured\", \"over NUMBER\" or \"beyond horizon\", found \"" +
                      node.text + "\"");
  }
  Result<ReadPath> path = PathOf(words[0], of, node.mark);
  if (!path) {
    return std::unexpected(path.error());
  }
  if (path->field == nullptr) {
    return FailAt(node.mark, "\"" + node.text + "\" names no field");
  }
  Condition condition{.text = node.text, .path = std::move(path->path), .values = {}};
  std::size_t at = 2;
  if (words[at] == "not") {
    condition.negated = true;
    ++at;
  }
  const std::size_t left = words.size() - at;
  if (left == 2 && words[at] == "within" && words[at + 1] == "reach") {
    if (path->field->type != FieldType::kCountry) {
      return FailAt(node.mark, "only a country can be within reach");
    }
    condition.test = Condition::Test::kWithinReach;
    return condition;
  }
  if (left == 1 && words[at] == "measured") {
    condition.test = Condition::Test::kMeasured;
    return condition;
  }
  if (left == 2 && words[at] == "beyond" && words[at + 1] == "horizon") {
    if (path->field->type != FieldType::kNumber) {
      return FailAt(node.mark, "only a number of years can be beyond the horizon");
    }
    condition.test = Condition::Test::kBeyondHorizon;
    return condition;  // the year comes when all files are read
  }
  if (left == 2 && words[at] == "over" && path->field->type == FieldType::kNumber) {
    const std::string digits(words[at + 1]);
    const char* end = digits.data() + digits.size();
    std::int32_t number = 0;
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (error != std::errc() || stop != end || number < 0) {
      return FailAt(node.mark, "over: expected a whole number, found \"" + node.text + "\"");
    }
    condition.test = Condition::Test::kOver;
    condition.values = {number};
    return condition;
  }
  for (; at < words.size(); at += 2) {
    Result<std::int32_t> value = ValueOf(*path->field, words[at], node.mark);
    if (!value) {
      return std::unexpected(value.error());
    }
    condition.values.push_back(*value);
    if (at + 1 < words.size() && (words[at + 1] != "or" || at + 2 == words.size())) {
      return FailAt(node.mark, "expected \"or\" and a value, found \"" + node.text + "\"");
    }
  }
  if (condition.values.empty()) {
    return FailAt(node.mark, "expected a value, found \"" + node.text + "\"");
  }
  return condition;
}

}  // namespace

bool FormFits(Form form, Kind kind) {
  switch (form) {
    case Form::kAuthority:
      return kind == Kind::kParty;
    case Form::kExposed:
    case Form::kMemory:
      return kind == Kind::kProcessor;
    case Form::kKey:
      return kind == Kind::kKey;
    case Form::kCiphertext:
    case Form::kContents:
      return kind == Kind::kStore;
    case Form::kTraffic:
      return kind == Kind::kHop;
    case Form::kAttack:
      return kind == Kind::kAttack;
    case Form::kPlaintext:
      return kind == Kind::kProcessor || kind == Kind::kStore || kind == Kind::kHop;
  }
  return false;
}

Result<std::vector<AnyOf>> ReadConditions(const Node* node, Kind of) {
  std::vector<AnyOf> all;
  if (node == nullptr) {
    return all;
  }
  if (!node->is_sequence()) {
    return FailAt(node->mark, "when: expected a list of conditions");
  }
  for (const Node& item : node->items) {
    const Node* any = item.Get("any");
    if (item.is_mapping() &&
        (any == nullptr || item.entries.size() != 1 || !any->is_sequence() || any->items.empty())) {
      return FailAt(item.mark, "expected a condition or {any: [conditions]}");
    }
    AnyOf group;
    const std::vector<Node> single = {item};
    for (const Node& part : any == nullptr ? single : any->items) {
      Result<Condition> condition = ConditionOf(part, of);
      if (!condition) {
        return std::unexpected(condition.error());
      }
      group.push_back(*std::move(condition));
    }
    all.push_back(std::move(group));
  }
  return all;
}

Result<Premise> ReadPremise(const Node& node, Kind of) {
  const std::vector<std::string_view> words = Split(node.text, ' ');
  const auto* const form =
      words.empty() ? kFormNames.end() : std::ranges::find(kFormNames, words[0]);
  if (!node.is_scalar() || words.size() != 3 || words[1] != "of" || form == kFormNames.end()) {
    return FailAt(node.mark,
                  "expected \"FORM of PATH\", FORM one of authority, exposed, memory, "
                  "key, ciphertext, contents, traffic, attack, plaintext");
  }
  Result<ReadPath> path = PathOf(words[2], of, node.mark);
  if (!path) {
    return std::unexpected(path.error());
  }
  Premise premise{.text = node.text,
                  .form = static_cast<Form>(form - kFormNames.begin()),
                  .path = std::move(path->path)};
  std::vector<Kind> kinds = {of};
  if (path->field != nullptr) {
    kinds.assign(path->field->targets.begin(), path->field->targets.end());
  }
  if (std::ranges::none_of(kinds, [&](Kind kind) { return FormFits(premise.form, kind); })) {
    return FailAt(node.mark,
                  "\"" + node.text + "\": there is no " + std::string(words[0]) + " of that");
  }
  return premise;
}

std::optional<Form> ParseForm(std::string_view name) {
  const auto* const found = std::ranges::find(kFormNames, name);
  return found == kFormNames.end() ? std::nullopt
                                   : std::optional(static_cast<Form>(found - kFormNames.begin()));
}

std::optional<Step> ParseStep(std::string_view name) {
  const auto* const found = std::ranges::find(kStepNames, name);
  return found == kStepNames.end() ? std::nullopt
                                   : std::optional(static_cast<Step>(found - kStepNames.begin()));
}

std::string_view FormName(Form form) { return kFormNames[static_cast<std::size_t>(form)]; }
std::string_view StepName(Step step) { return kStepNames[static_cast<std::size_t>(step)]; }

}  // namespace casemate::assess
