#include "attestation/attacks.h"

#include <algorithm>
#include <charconv>

#include "attestation/pinned_roots.h"
#include "json/reader.h"

namespace casemate::attestation {
namespace {

constexpr std::size_t kMaxList = 64;  // rules, tests or lines of one row

Result<std::string> Text(const json::Value& object, std::string_view name) {
  Result<json::Value> value = object.Require(name);
  return value ? value->AsName(1024) : std::unexpected(value.error());
}

std::string TextOr(const json::Value& object, std::string_view name) {
  const std::optional<json::Value> value = object.Get(name);
  return value ? value->AsName(1024).value_or("") : "";
}

Result<std::vector<std::string>> Texts(const json::Value& object, std::string_view name) {
  Result<json::Value> list = object.Require(name);
  if (!list) {
    return std::unexpected(list.error());
  }
  std::vector<std::string> texts;
  for (const json::Value& element : list->Elements()) {
    Result<std::string> text = element.AsName(64);
    if (!text || texts.size() == kMaxList) {
      return Fail(ErrorCode::kInvalidArgument,
                  std::string(name) + ": expected at most 64 short texts");
    }
    texts.push_back(*std::move(text));
  }
  return texts;
}

std::optional<Coverage> ParseCoverage(std::string_view text) {
  for (const Coverage coverage :
       {Coverage::kCovered, Coverage::kNotCovered, Coverage::kCannotTell, Coverage::kNotAffected}) {
    if (CoverageName(coverage) == text) {
      return coverage;
    }
  }
  return std::nullopt;
}

bool Matches(std::string_view pattern, std::string_view line) {
  return pattern.ends_with('*') ? line.starts_with(pattern.substr(0, pattern.size() - 1))
                                : line == pattern;
}

// The worst of several possible products counts.
int Badness(Coverage coverage) {
  switch (coverage) {
    case Coverage::kNotCovered:
      return 3;
    case Coverage::kCannotTell:
      return 2;
    case Coverage::kCovered:
      return 1;
    case Coverage::kNotAffected:
      return 0;
  }
  return 3;
}

}  // namespace

// Reads rows; apart from the class so that JSON stays out of its header.
class AttackTableReader {
 public:
  static Result<AttackTable> Read(const json::Value& root) {
    AttackTable table;
    Result<std::string> format = Text(root, "format");
    if (!format || *format != "casemate-attacks/1") {
      return Fail(ErrorCode::kInvalidArgument, "expected \"format\": \"casemate-attacks/1\"");
    }
    Result<std::string> date = Text(root, "date");
    Result<json::Value> rows = root.Require("attacks");
    if (!date || !rows || rows->kind() != json::Value::Kind::kArray) {
      return Fail(ErrorCode::kInvalidArgument, "expected \"date\" and an array \"attacks\"");
    }
    if (rows->size() > AttackTable::kMaxAttacks) {
      return Fail(ErrorCode::kTooLarge, "more than 1000 attacks");
    }
    table.date_ = *date;
    for (const json::Value& row : rows->Elements()) {
      Result<AttackTable::Attack> attack = ReadAttack(row);
      if (!attack) {
        return Wrap(attack.error(), "row " + std::to_string(table.attacks_.size() + 1));
      }
      table.attacks_.push_back(*std::move(attack));
    }
    return table;
  }

 private:
  static Result<AttackTable::Attack> ReadAttack(const json::Value& row) {
    AttackTable::Attack attack;
    const std::pair<std::string_view, std::string*> fields[] = {
        {"id", &attack.head.id},
        {"name", &attack.head.name},
        {"vendor_scope", &attack.head.vendor_scope},
        {"source", &attack.head.source},
        {"date", &attack.head.date}};
    for (const auto& [name, target] : fields) {
      Result<std::string> text = Text(row, name);
      if (!text || text->empty()) {  // "each row has its source and date"
        return Fail(ErrorCode::kInvalidArgument, "\"" + std::string(name) + "\" is missing");
      }
      *target = *std::move(text);
    }
    attack.voids = TextOr(row, "voids");
    Result<std::vector<std::string>> families = Texts(row, "families");
    Result<json::Value> rules = row.Require("rules");
    if (!families || !rules || rules->size() == 0 || rules->size() > kMaxList) {
      return Fail(ErrorCode::kInvalidArgument,
                  attack.head.id + ": expected \"families\" and 1 to 64 \"rules\"");
    }
    attack.families = *std::move(families);
    for (const json::Value& value : rules->Elements()) {
      Result<AttackTable::Rule> rule = ReadRule(value);
      if (!rule) {
        return Wrap(rule.error(), attack.head.id);
      }
      attack.rules.push_back(*std::move(rule));
    }
    return attack;
  }

  static Result<AttackTable::Rule> ReadRule(const json::Value& value) {
    AttackTable::Rule rule;
    Result<std::vector<std::string>> lines = Texts(value, "lines");
    if (!lines) {
      return std::unexpected(lines.error());
    }
    rule.lines = *std::move(lines);
    rule.note = TextOr(value, "note");
    const std::string fixed = TextOr(value, "coverage");
    const std::string otherwise = TextOr(value, "otherwise");
    const std::optional<json::Value> tests = value.Get("all");
    if (fixed.empty() == !tests.has_value()) {
      return Fail(ErrorCode::kInvalidArgument, "a rule has either \"coverage\" or \"all\"");
    }
    for (const std::string& word : {fixed, otherwise}) {
      if (!word.empty() && !ParseCoverage(word)) {
        return Fail(ErrorCode::kInvalidArgument,
                    "expected covered, not-covered, cannot-tell or not-affected, found " + word);
      }
    }
    rule.otherwise =
        ParseCoverage(fixed.empty() ? otherwise : fixed).value_or(Coverage::kNotCovered);
    if (tests && (tests->size() == 0 || tests->size() > kMaxList)) {
      return Fail(ErrorCode::kInvalidArgument, "\"all\": expected 1 to 64 tests");
    }
    for (const json::Value& element : tests ? tests->Elements() : std::vector<json::Value>()) {
      Result<AttackTable::Test> test = ReadTest(element);
      if (!test) {
        return std::unexpected(test.error());
      }
      rule.all.push_back(*std::move(test));
    }
    return rule;
  }

  static Result<AttackTable::Test> ReadTest(const json::Value& value) {
    AttackTable::Test test;
    Result<std::string> fact = Text(value, "fact");
    if (!fact) {
      return std::unexpected(fact.error());
    }
    test.fact = *std::move(fact);
    const auto least = value.Get("at_least");
    const auto version = value.Get("at_least_version");
    const auto is = value.Get("is");
    if ((least ? 1 : 0) + (version ? 1 : 0) + (is ? 1 : 0) != 1) {
      return Fail(ErrorCode::kInvalidArgument,
                  "a test has one of \"at_least\", \"at_least_version\" and \"is\"");
    }
    Result<std::int64_t> number = 0;
    if (version) {
      test.kind = AttackTable::Test::Kind::kAtLeastVersion;
      Result<std::string> text = version->AsName(32);
      number = text ? VersionNumber(*text) : std::unexpected(text.error());
    } else {
      test.kind = is ? AttackTable::Test::Kind::kIs : AttackTable::Test::Kind::kAtLeast;
      number = (is ? *is : *least).AsInteger();
    }
    if (!number) {
      return std::unexpected(number.error());
    }
    test.value = *number;
    return test;
  }
};

Result<AttackTable> AttackTable::Read(PlaintextView json) {
  Result<json::Document> document =
      json::Document::Parse(json, {.max_bytes = kMaxBytes, .max_depth = 8, .max_values = 100'000});
  return document ? AttackTableReader::Read(document->root()) : std::unexpected(document.error());
}

const AttackTable& AttackTable::Shipped() {
  static const AttackTable table =
      Read(PlaintextView::Of(ShippedAttackTable())).value_or(AttackTable());
  return table;
}

AttackResult AttackTable::JudgeLine(const Attack& attack, const std::string& line,
                                    const AttackFacts& facts) {
  AttackResult result = attack.head;
  const auto rule = std::ranges::find_if(attack.rules, [&](const Rule& candidate) {
    return std::ranges::any_of(candidate.lines,
                               [&](const std::string& pattern) { return Matches(pattern, line); });
  });
  if (rule == attack.rules.end()) {
    result.coverage = Coverage::kCannotTell;
    result.reason = "the table has no rule for " + line;
    return result;
  }
  result.coverage = rule->all.empty() ? rule->otherwise : Coverage::kCovered;
  result.reason = rule->note;
  std::string tests;
  for (const Test& test : rule->all) {
    const bool version = test.kind == Test::Kind::kAtLeastVersion;
    const auto shown = [&](std::int64_t value) {
      return version ? VersionText(value) : std::to_string(value);
    };
    tests += (tests.empty() ? "" : ", ") + test.fact;
    const auto value = facts.values.find(test.fact);
    if (value == facts.values.end()) {
      tests += " is not in this evidence";
      if (result.coverage == Coverage::kCovered) {
        result.coverage = Coverage::kCannotTell;
      }
      continue;
    }
    const bool met =
        test.kind == Test::Kind::kIs ? value->second == test.value : value->second >= test.value;
    tests += " " + shown(value->second) + (met ? ", as needed: " : ", needs ") + shown(test.value);
    if (!met) {
      result.coverage = rule->otherwise;
    }
  }
  if (!tests.empty()) {
    result.reason = tests + (result.reason.empty() ? "" : ". " + result.reason);
  }
  return result;
}

void AttackTable::Judge(const AttackFacts& facts, Appraisal& appraisal) const {
  appraisal.attacks.clear();
  appraisal.attacks_date = date_;
  std::string void_because;
  for (const Attack& attack : attacks_) {
    if (std::ranges::find(attack.families, KindName(appraisal.kind)) == attack.families.end()) {
      continue;
    }
    std::optional<AttackResult> worst;
    for (const std::string& line : facts.lines) {
      AttackResult result = JudgeLine(attack, line, facts);
      if (facts.lines.size() > 1) {
        result.reason = "as " + line + ": " + result.reason;
      }
      if (!worst || Badness(result.coverage) > Badness(worst->coverage)) {
        worst = std::move(result);
      }
    }
    if (!worst) {
      continue;
    }
    if (worst->coverage == Coverage::kNotCovered && !attack.voids.empty()) {
      void_because = attack.voids;
    }
    appraisal.attacks.push_back(*std::move(worst));
  }
  for (AttackResult& result : appraisal.attacks) {
    if (!void_because.empty() && result.coverage == Coverage::kCovered) {
      result.void_because = void_because;
    }
  }
  if (!void_because.empty()) {
    appraisal.warnings.push_back("the evidence itself can be forged: " + void_because +
                                 "; what it says of other attacks is void");
  }
}

Result<std::int64_t> VersionNumber(std::string_view text) {
  std::int64_t number = 0;
  for (int part = 0; part < 3; ++part) {
    const std::string_view digits = text.substr(0, text.find('.'));
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value < 0 || value > 255) {
      return Fail(ErrorCode::kInvalidArgument, "expected a version as \"1.55.22\"");
    }
    number = number << 8 | value;
    text.remove_prefix(std::min(text.size(), digits.size() + 1));
  }
  return text.empty() ? Result<std::int64_t>(number)
                      : Fail(ErrorCode::kInvalidArgument, "expected a version as \"1.55.22\"");
}

std::string VersionText(std::int64_t number) {
  return std::to_string(number >> 16) + "." + std::to_string(number >> 8 & 255) + "." +
         std::to_string(number & 255);
}

}  // namespace casemate::attestation
