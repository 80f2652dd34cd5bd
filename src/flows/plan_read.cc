// The plan's file and the table of dates: TOML records into checked types.
#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "config/toml_records.h"
#include "flows/plan.h"

namespace casemate::flows {
namespace {

using config::TomlDate;
using config::TomlField;
using config::TomlRecord;

constexpr std::size_t kMaxHops = 2000;
constexpr std::size_t kMaxText = 1000;  // bytes of one string

constexpr std::array<std::pair<std::string_view, Protection>, 3> kProtections = {
    {{"normal", Protection::kNormal},
     {"high", Protection::kHigh},
     {"very-high", Protection::kVeryHigh}}};

std::optional<Protection> ParseProtection(std::string_view name) {
  for (const auto& [known, protection] : kProtections) {
    if (known == name) {
      return protection;
    }
  }
  return std::nullopt;
}

std::string Quoted(std::string_view text) { return "'" + std::string(text.substr(0, 80)) + "'"; }

// Takes the fields of one record. The first thing that does not fit is remembered, what comes after
// it comes out empty, and End says whether all went well.
class Fields {
 public:
  Fields(const TomlRecord& record, std::string_view file) : record_(record), file_(file) {}

  bool Has(std::string_view key) const { return Find(key) != nullptr; }
  std::string Text(std::string_view key, bool required) {
    const TomlField* field = Take(key, required);
    const auto* text = field == nullptr ? nullptr : std::get_if<std::string>(&field->value);
    if (field != nullptr &&
        (text == nullptr || text->empty() || text->size() > kMaxText ||
         std::ranges::any_of(*text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))) {
      Bad(field->line, key, "a string of 1 to 1000 characters on one line");
      return {};
    }
    return text == nullptr ? std::string() : *text;
  }
  double Number(std::string_view key, double most) {
    const TomlField* field = Take(key, true);
    if (field == nullptr) {
      return 0;
    }
    double number = -1;
    if (const auto* whole = std::get_if<std::int64_t>(&field->value)) {
      number = static_cast<double>(*whole);
    } else if (const auto* fraction = std::get_if<double>(&field->value)) {
      number = *fraction;
    }
    if (!(number >= 0 && number <= most)) {  // also what is no number
      Bad(field->line, key, "a number from 0 to " + std::to_string(static_cast<int>(most)));
      return 0;
    }
    return number;
  }
  Day Date(std::string_view key, bool required) {
    const TomlField* field = Take(key, required);
    if (field == nullptr) {
      return {};
    }
    const auto* date = std::get_if<TomlDate>(&field->value);
    const std::chrono::year_month_day day =
        date == nullptr ? std::chrono::year_month_day()
                        : std::chrono::year_month_day(std::chrono::year(date->year),
                                                      std::chrono::month(date->month),
                                                      std::chrono::day(date->day));
    if (date == nullptr || !day.ok() || date->year < 1990 || date->year > 2200) {
      Bad(field->line, key, "a date such as 2031-12-31, without quotes");
      return {};
    }
    return day;
  }
  std::vector<std::string> List(std::string_view key, bool required) {
    const TomlField* field = Take(key, required);
    const auto* list =
        field == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&field->value);
    if (field != nullptr && (list == nullptr || list->empty() || list->size() > 64)) {
      Bad(field->line, key, "a list of 1 to 64 strings");
    }
    return list == nullptr ? std::vector<std::string>() : *list;
  }
  void Bad(std::uint32_t line, std::string_view key, const std::string& expected) {
    if (state_) {
      state_ = Fail(ErrorCode::kInvalidArgument,
                    std::string(file_) + ":" + std::to_string(line) + ": " + record_.section +
                        (key.empty() ? "" : "." + std::string(key)) + ": expected " + expected);
    }
  }
  // That nothing else stands there.
  [[nodiscard]] Result<void> End() {
    for (const TomlField& field : record_.fields) {
      if (!taken_.contains(field.key)) {
        std::string known;
        for (const std::string& name : taken_) {
          known += (known.empty() ? "" : ", ") + name;
        }
        Bad(field.line, {}, "one of " + known + ", found " + Quoted(field.key));
      }
    }
    return state_;
  }
  std::uint32_t LineOf(std::string_view key) const {
    const TomlField* field = Find(key);
    return field == nullptr ? record_.line : field->line;
  }

 private:
  const TomlField* Find(std::string_view key) const {
    const auto found = std::ranges::find(record_.fields, key, &TomlField::key);
    return found == record_.fields.end() ? nullptr : &*found;
  }
  const TomlField* Take(std::string_view key, bool required) {
    taken_.emplace(key);
    const TomlField* field = Find(key);
    if (field == nullptr && required) {
      Bad(record_.line, key, "it in this section");
    }
    return field;
  }
  const TomlRecord& record_;
  std::string_view file_;
  std::set<std::string> taken_;
  Result<void> state_;
};

bool IsVerdict(const std::string& name) {
  return ParseVerdict(name) || name == "local" || name == "plain" || name == "unknown";
}

Result<PlanDate> ReadDate(const TomlRecord& record, std::string_view file) {
  Fields fields(record, file);
  PlanDate date{.id = fields.Text("id", true),
                .source = fields.Text("source", true),
                .document = fields.Text("document", true),
                .document_date = fields.Date("document_date", true),
                .says = fields.Text("says", true),
                .concerns = fields.Text("concerns", true),
                .protection = {},
                .until = fields.Date("until", true),
                .confidence = fields.Text("confidence", true),
                .checked = fields.Date("checked", true)};
  for (const std::string& name : fields.List("protection", true)) {
    if (const std::optional<Protection> protection = ParseProtection(name)) {
      date.protection.push_back(*protection);
    } else {
      fields.Bad(fields.LineOf("protection"), "protection", "normal, high or very-high");
    }
  }
  if (date.concerns != "key-agreement" && date.concerns != "signatures" &&
      date.concerns != "inventory") {
    fields.Bad(fields.LineOf("concerns"), "concerns", "key-agreement, signatures or inventory");
  }
  if (date.confidence != "primary" && date.confidence != "secondary") {
    fields.Bad(fields.LineOf("confidence"), "confidence", "primary or secondary");
  }
  const Result<void> good = fields.End();
  return good ? Result<PlanDate>(std::move(date)) : std::unexpected(good.error());
}

using Labels = std::map<std::string, Protection, std::less<>>;

Result<Labels> ReadLabels(const TomlRecord& record, std::string_view file) {
  Labels labels;
  Fields fields(record, file);
  for (const TomlField& field : record.fields) {
    const std::string name = fields.Text(field.key, true);
    const std::optional<Protection> protection = ParseProtection(name);
    if (!protection) {
      fields.Bad(field.line, field.key, "normal, high or very-high");
    } else {
      labels[field.key] = *protection;
    }
  }
  const Result<void> good = fields.End();
  return good ? Result<Labels>(std::move(labels)) : std::unexpected(good.error());
}

Result<void> ReadHead(const TomlRecord& record, std::string_view file,
                      const std::vector<PlanDate>& dates, Plan& plan) {
  Fields fields(record, file);
  plan.title = fields.Text("title", true);
  plan.quantum = fields.Date("quantum", true);
  plan.sources = fields.List("sources", true);
  for (const std::string& source : plan.sources) {
    if (std::ranges::find(dates, source, &PlanDate::source) == dates.end()) {
      std::set<std::string> known;
      std::string names;
      for (const PlanDate& date : dates) {
        if (known.insert(date.source).second) {
          names += (names.empty() ? "" : ", ") + date.source;
        }
      }
      fields.Bad(fields.LineOf("sources"), "sources",
                 "names among " + names + ", found " + Quoted(source));
    }
  }
  return fields.End();
}

Result<PlanHop> ReadHop(const TomlRecord& record, std::string_view file, const Labels& labels) {
  Fields fields(record, file);
  PlanHop hop{.name = fields.Text("name", true),
              .from = fields.Text("from", true),
              .to = fields.Text("to", true),
              .endpoint = fields.Text("endpoint", false),
              .label = fields.Text("label", true),
              .lifetime_years = fields.Number("lifetime_years", 200),
              .migration_months = fields.Number("migration_months", 600),
              .owner = fields.Text("owner", false),
              .server = fields.Text("server", false),
              .verdict = fields.Text("verdict", false),
              .verdict_from = {}};
  const auto known = labels.find(hop.label);
  if (known != labels.end()) {
    hop.protection = known->second;
  } else {
    fields.Bad(fields.LineOf("label"), "label", "a name of [labels], found " + Quoted(hop.label));
  }
  hop.verdict_from = hop.verdict.empty() ? "nobody" : "the plan";
  hop.verdict = hop.verdict.empty() ? "unknown" : hop.verdict;
  if (!IsVerdict(hop.verdict)) {
    fields.Bad(fields.LineOf("verdict"), "verdict",
               "hybrid-enforced, hybrid-preferred, hybrid-supported, classical, broken, "
               "unreachable, local, plain or unknown");
  }
  const Result<void> good = fields.End();
  return good ? Result<PlanHop>(std::move(hop)) : std::unexpected(good.error());
}

std::unexpected<Error> Refuse(std::string_view file, std::uint32_t line, const std::string& what) {
  return Fail(ErrorCode::kInvalidArgument,
              std::string(file) + ":" + std::to_string(line) + ": " + what);
}

}  // namespace

Result<std::vector<PlanDate>> ReadPlanDates(std::string_view text, std::string_view file) {
  Result<std::vector<TomlRecord>> records = config::ParseTomlRecords(text, file);
  if (!records) {
    return std::unexpected(records.error());
  }
  std::vector<PlanDate> dates;
  for (const TomlRecord& record : *records) {
    if (record.section != "date") {
      return Refuse(file, record.line, "expected [[date]], found " + Quoted(record.section));
    }
    Result<PlanDate> date = ReadDate(record, file);
    if (!date) {
      return std::unexpected(date.error());
    }
    if (std::ranges::find(dates, date->id, &PlanDate::id) != dates.end()) {
      return Refuse(file, record.line,
                    "date.id: expected each once, found " + Quoted(date->id) + " twice");
    }
    dates.push_back(std::move(*date));
  }
  return dates;
}

Result<Plan> ReadPlan(std::string_view text, std::string_view file,
                      const std::vector<PlanDate>& dates) {
  Result<std::vector<TomlRecord>> records = config::ParseTomlRecords(text, file);
  if (!records) {
    return std::unexpected(records.error());
  }
  Plan plan;
  Labels labels;
  bool head = false;
  // Labels first: where they stand in the file does not matter.
  for (const TomlRecord& record : *records) {
    if (record.section == "labels") {
      Result<Labels> read = ReadLabels(record, file);
      if (!read) {
        return std::unexpected(read.error());
      }
      labels.merge(*read);
    }
  }
  for (const TomlRecord& record : *records) {
    if (record.section == "plan" && !head) {
      head = true;
      if (Result<void> read = ReadHead(record, file, dates, plan); !read) {
        return std::unexpected(read.error());
      }
    } else if (record.section == "hop" && plan.hops.size() < kMaxHops) {
      Result<PlanHop> hop = ReadHop(record, file, labels);
      if (!hop) {
        return std::unexpected(hop.error());
      }
      plan.hops.push_back(std::move(*hop));
    } else if (record.section != "labels") {
      return Refuse(
          file, record.line,
          record.section == "hop"
              ? "expected at most " + std::to_string(kMaxHops) + " hops"
              : "expected one [plan], [labels] and [[hop]], found " + Quoted(record.section));
    }
  }
  if (!head || plan.hops.empty()) {
    return Refuse(file, 1, "expected a section [plan] and at least one [[hop]]");
  }
  return plan;
}

void TakeVerdicts(Plan& plan, const std::map<std::string, std::string>& verdicts) {
  for (PlanHop& hop : plan.hops) {
    const auto seen = verdicts.find(hop.endpoint);
    if (!hop.endpoint.empty() && seen != verdicts.end() && IsVerdict(seen->second)) {
      hop.verdict = seen->second;
      hop.verdict_from = "the probe";
    }
  }
}

std::string_view ProtectionName(Protection protection) {
  return std::ranges::find(kProtections, protection,
                           &std::pair<std::string_view, Protection>::second)
      ->first;
}

}  // namespace casemate::flows
