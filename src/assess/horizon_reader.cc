#include "assess/horizon_reader.h"

#include <charconv>

#include "assess/control_reader.h"
#include "assess/pipeline_reader.h"

namespace casemate::assess {
namespace {

using yaml::FailAt;
using yaml::Node;

Result<std::int32_t> NumberOf(const Node& node, std::string_view name, std::int32_t most) {
  Result<std::string> text = RequiredText(node, name);
  if (!text) {
    return std::unexpected(text.error());
  }
  std::int32_t number = -1;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || stop != end || number < 0 || number > most) {
    return FailAt(node.Get(name)->mark, std::string(name) + ": expected a whole number up to " +
                                            std::to_string(most) + ", found \"" + *text + "\"");
  }
  return number;
}

void Replace(std::string& text, std::string_view what, const std::string& with) {
  if (const std::size_t at = text.find(what); at != std::string::npos) {
    text.replace(at, what.size(), with);
  }
}

bool AsksForHorizon(Rule& rule, const std::optional<Horizon>& horizon) {
  bool asks = false;
  for (AnyOf& any : rule.when) {
    for (Condition& condition : any) {
      if (condition.test == Condition::Test::kBeyondHorizon) {
        asks = true;
        if (horizon) {
          condition.values = {horizon->year - horizon->migration_years};
        }
      }
    }
  }
  return asks;
}

}  // namespace

Result<Horizon> ReadHorizon(const Node& root) {
  if (Result<void> names =
          OnlyNames(root, {"casemate", "year", "migration_years", "source", "date"}, "a horizon");
      !names) {
    return std::unexpected(names.error());
  }
  Result<std::int32_t> year = NumberOf(root, "year", 9999);
  Result<std::int32_t> migration = NumberOf(root, "migration_years", 100);
  Result<std::string> source = RequiredText(root, "source");
  Result<std::string> date = RequiredText(root, "date");
  for (const Error* error :
       {year ? nullptr : &year.error(), migration ? nullptr : &migration.error(),
        source ? nullptr : &source.error(), date ? nullptr : &date.error()}) {
    if (error != nullptr) {
      return std::unexpected(*error);
    }
  }
  if (!IsDate(*date)) {
    return FailAt(root.Get("date")->mark, "date: expected YYYY-MM-DD");
  }
  return Horizon{.year = *year,
                 .migration_years = *migration,
                 .source = *std::move(source),
                 .date = *std::move(date)};
}

Result<void> ReadChangeClass(const Node& node, ChangeCosts& costs) {
  if (Result<void> names = OnlyNames(node, {"id", "en", "de", "cost", "fields"}, "a class");
      !names) {
    return names;
  }
  Result<std::string> id = RequiredText(node, "id");
  Result<Texts> title = TextsOf(node);
  Result<std::int32_t> cost = NumberOf(node, "cost", 1000);
  for (const Error* error : {id ? nullptr : &id.error(), title ? nullptr : &title.error(),
                             cost ? nullptr : &cost.error()}) {
    if (error != nullptr) {
      return std::unexpected(*error);
    }
  }
  const Node* fields = node.Get("fields");
  if (*cost < 1 || fields == nullptr || !fields->is_sequence() ||
      (!costs.classes.empty() && costs.classes.back().cost >= *cost)) {
    return FailAt(node.mark, "expected a cost above that of the class before, and fields");
  }
  for (const Node& item : fields->items) {
    const std::size_t dot = item.text.find('.');
    const std::optional<Kind> kind = KindOfName(item.text.substr(0, dot));
    const std::optional<std::size_t> field = kind && dot != std::string::npos
                                                 ? FieldIndex(*kind, item.text.substr(dot + 1))
                                                 : std::nullopt;
    if (!field) {
      return FailAt(item.mark, "expected KIND.FIELD, found \"" + item.text + "\"");
    }
    if (!costs.of.emplace(std::pair(*kind, *field), costs.classes.size()).second) {
      return FailAt(item.mark, "\"" + item.text + "\" has a class already");
    }
  }
  costs.classes.push_back({.id = *std::move(id), .title = *std::move(title), .cost = *cost});
  return {};
}

Result<void> SetHorizon(RuleSet& set) {
  for (Rule& rule : set.rules) {
    if (!AsksForHorizon(rule, set.horizon)) {
      continue;
    }
    if (!set.horizon) {
      return Fail(ErrorCode::kInvalidArgument,
                  "rule \"" + rule.id + "\" asks for the horizon, and no file says it");
    }
    for (std::string* text : {&rule.sentence.en, &rule.sentence.de, &rule.source}) {
      Replace(*text, "{year}", std::to_string(set.horizon->year));
      Replace(*text, "{migration}", std::to_string(set.horizon->migration_years));
      Replace(*text, "{source}", set.horizon->source + ", " + set.horizon->date);
    }
  }
  return {};
}

int ChangeCosts::Of(Kind kind, std::size_t field) const {
  if (const auto found = of.find({kind, field}); found != of.end()) {
    return classes[found->second].cost;
  }
  switch (InfoOf(kind).fields[field].effort) {
    case Effort::kFixed:
    case Effort::kSetting:
      return 1;
    case Effort::kContract:
      return 5;
    case Effort::kMove:
      return 60;
  }
  return 1;
}

}  // namespace casemate::assess
