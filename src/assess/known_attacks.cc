#include "assess/known_attacks.h"

#include <algorithm>
#include <array>

#include "assess/data.h"
#include "json/reader.h"

namespace casemate::assess {
namespace {

constexpr json::Limits kLimits = {
    .max_bytes = std::size_t{1} << 20, .max_depth = 16, .max_values = 100'000};
constexpr std::size_t kMaxAttacks = 1000;
constexpr std::string_view kTablesWord = "table of known attacks";

std::unexpected<Error> Wrong(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<std::string> TextOf(const json::Value& object, std::string_view name, bool required) {
  const std::optional<json::Value> value = object.Get(name);
  Result<std::string> text = value ? value->AsName(1024) : Result<std::string>(std::string());
  if (!text || (required && text->empty())) {
    return Wrong("\"" + std::string(name) + "\": expected a text");
  }
  return text;
}

Result<std::vector<std::string>> TextsOf(const json::Value& object, std::string_view name) {
  const std::optional<json::Value> list = object.Get(name);
  std::vector<std::string> texts;
  for (const json::Value& element : list ? list->Elements() : std::vector<json::Value>()) {
    Result<std::string> text = element.AsName(64);
    if (!text) {
      return Wrong("\"" + std::string(name) + "\": expected short texts");
    }
    texts.push_back(*std::move(text));
  }
  if (texts.empty()) {
    return Wrong("\"" + std::string(name) + "\": expected a list");
  }
  return texts;
}

bool IsWordOf(Kind kind, std::string_view field, std::string_view word) {
  const std::span<const std::string_view> words =
      InfoOf(kind).fields[RequireField(kind, field)].words;
  return std::ranges::find(words, word) != words.end();
}

Result<KnownAttack::Rule> ReadRule(const json::Value& value) {
  Result<std::vector<std::string>> lines = TextsOf(value, "lines");
  Result<std::string> coverage = TextOf(value, "coverage", false);
  Result<std::string> note = TextOf(value, "note", false);
  if (!lines || !coverage || !note) {
    return std::unexpected(!lines ? lines.error() : !coverage ? coverage.error() : note.error());
  }
  if (!coverage->empty() && !IsWordOf(Kind::kAttack, "coverage", *coverage)) {
    return Wrong("\"coverage\": no such answer, \"" + *coverage + "\"");
  }
  return KnownAttack::Rule{
      .lines = *std::move(lines), .coverage = *std::move(coverage), .note = *std::move(note)};
}

Result<KnownAttack> ReadAttack(const json::Value& row) {
  Result<std::string> id = TextOf(row, "id", true);
  Result<std::string> name = TextOf(row, "name", true);
  Result<std::string> source = TextOf(row, "source", true);
  Result<std::vector<std::string>> families = TextsOf(row, "families");
  Result<std::vector<std::string>> serves = TextsOf(row, "serves");
  for (const Error* error :
       {id ? nullptr : &id.error(), name ? nullptr : &name.error(),
        source ? nullptr : &source.error(), families ? nullptr : &families.error(),
        serves ? nullptr : &serves.error()}) {
    if (error != nullptr) {
      return std::unexpected(*error);
    }
  }
  for (const std::string& word : *serves) {
    if (!IsWordOf(Kind::kAttack, "serves", word)) {
      return Wrong("\"serves\": expected host or bus, found \"" + word + "\"");
    }
  }
  KnownAttack attack{.id = *std::move(id),
                     .name = *std::move(name),
                     .families = *std::move(families),
                     .serves = *std::move(serves),
                     .rules = {},
                     .source = *std::move(source)};
  const std::optional<json::Value> rules = row.Get("rules");
  for (const json::Value& value : rules ? rules->Elements() : std::vector<json::Value>()) {
    Result<KnownAttack::Rule> rule = ReadRule(value);
    if (!rule) {
      return Wrap(rule.error(), attack.id);
    }
    attack.rules.push_back(*std::move(rule));
  }
  if (attack.rules.empty()) {
    return Wrong(attack.id + ": expected \"rules\"");
  }
  return attack;
}

bool Matches(std::string_view pattern, std::string_view line) {
  return pattern.ends_with('*') ? line.starts_with(pattern.substr(0, pattern.size() - 1))
                                : line == pattern;
}

Outlook OutlookOf(const KnownAttack::Rule& rule) {
  if (rule.coverage.empty()) {
    return {.coverage = "cannot-tell",
            .note = "versions and settings decide, which only evidence shows"};
  }
  return {.coverage = rule.coverage, .note = rule.note};
}

// Puts together what one environment gets of the table.
class TeeFiller {
 public:
  TeeFiller(Pipeline& pipeline, const KnownAttacks& table, std::size_t tee)
      : pipeline_(pipeline), table_(table), tee_(tee), id_(pipeline.element(tee).id) {}

  void Run() {
    const Fact type = pipeline_.fact(tee_, RequireField(Kind::kTee, "type"));
    if (!type.known) {
      return;
    }
    std::vector<std::string> families = {ValueOf("type")};
    if (families[0] == "nvidia-cc" || ValueOf("accelerator") == "inside") {
      families.emplace_back("nvidia-gpu");
    }
    // A type of which the table has nothing has no list: none published is not none.
    const bool has_type = std::ranges::any_of(table_.attacks, [&](const KnownAttack& attack) {
      return std::ranges::find(attack.families,
                               families[0] == "nvidia-cc" ? "nvidia-gpu" : families[0]) !=
             attack.families.end();
    });
    if (!has_type) {
      return;
    }
    confidence_ = std::min(Confidence::kDocumented, type.evidence.confidence);
    for (const KnownAttack& attack : table_.attacks) {
      if (std::ranges::any_of(families, [&](const std::string& family) {
            return std::ranges::find(attack.families, family) != attack.families.end();
          })) {
        Fill(attack);
      }
    }
    List("host_attacks", "host");
    List("bus_attacks", "bus");
  }

 private:
  std::string ValueOf(std::string_view field) const {
    return pipeline_.ValueText(tee_, RequireField(Kind::kTee, field));
  }

  Evidence FromTable(const std::string& more) const {
    return {.source = std::string(kTablesWord) + ": " + more,
            .date = table_.date,
            .confidence = confidence_};
  }

  // A fact that nobody stated, or that the table had said before.
  void State(std::size_t element, std::string_view field, const std::string& value,
             const std::string& source) {
    const Fact& now = pipeline_.fact(element, RequireField(pipeline_.element(element).kind, field));
    if (!now.evidence.source.empty() && !IsOfTable(now)) {
      return;
    }
    const Result<Fact> stated = pipeline_.State({.element = pipeline_.element(element).id,
                                                 .field = std::string(field),
                                                 .value = value,
                                                 .evidence = FromTable(source)});
    static_cast<void>(stated);  // words of the vocabulary and elements that are there
  }

  void Fill(const KnownAttack& attack) {
    const std::string id = id_ + "." + attack.id;
    const std::optional<std::size_t> known = pipeline_.Find(id);
    if (known && pipeline_.element(*known).kind != Kind::kAttack) {
      return;
    }
    const std::size_t element = known ? *known : pipeline_.Add(Kind::kAttack, id);
    filled_.push_back(element);
    std::string serves;
    for (const std::string& word : attack.serves) {
      serves += (serves.empty() ? "" : ", ") + word;
    }
    const std::string line = ValueOf("line");
    const Outlook outlook = OutlookOf(attack, line == "unknown" ? std::string() : line);
    State(element, "title", attack.name, attack.source);
    State(element, "tee", id_, attack.source);
    State(element, "serves", serves, attack.source);
    State(element, "coverage", outlook.coverage,
          attack.name + " (" + attack.source + ")" +
              (outlook.note.empty() ? "" : "; " + outlook.note));
  }

  void List(std::string_view field, std::string_view served) {
    std::string ids;
    for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
      const Element& element = pipeline_.element(i);
      if (element.kind != Kind::kAttack) {
        continue;
      }
      const Fact& tee = element.facts[RequireField(Kind::kAttack, "tee")];
      const std::size_t serves = RequireField(Kind::kAttack, "serves");
      const std::string words = pipeline_.ValueText(i, serves);
      // What the table had for another type, before evidence changed it, is none of this one's.
      if (IsOfTable(tee) && std::ranges::find(filled_, i) == filled_.end()) {
        continue;
      }
      if (tee.known && tee.values[0] == static_cast<std::int32_t>(tee_) &&
          (words == "unknown" || words.find(served) != std::string::npos)) {
        ids += (ids.empty() ? "" : ", ") + element.id;
      }
    }
    State(tee_, field, ids.empty() ? "none" : ids, "all that it has for " + ValueOf("type"));
  }

  Pipeline& pipeline_;
  const KnownAttacks& table_;
  std::size_t tee_;
  std::string id_;
  Confidence confidence_ = Confidence::kDocumented;
  std::vector<std::size_t> filled_;
};

}  // namespace

Result<KnownAttacks> KnownAttacks::Read(std::string_view json) {
  Result<json::Document> document = json::Document::Parse(PlaintextView::Of(json), kLimits);
  if (!document) {
    return std::unexpected(document.error());
  }
  const json::Value root = document->root();
  Result<std::string> format = TextOf(root, "format", true);
  Result<std::string> date = TextOf(root, "date", true);
  const std::optional<json::Value> rows = root.Get("attacks");
  if (!format || *format != "casemate-attacks/1" || !date || !IsDate(*date) || !rows) {
    return Wrong("expected \"format\": \"casemate-attacks/1\", \"date\" and \"attacks\"");
  }
  if (rows->size() > kMaxAttacks) {
    return Fail(ErrorCode::kTooLarge, "more than 1000 attacks");
  }
  KnownAttacks table{.date = *std::move(date), .attacks = {}};
  for (const json::Value& row : rows->Elements()) {
    Result<KnownAttack> attack = ReadAttack(row);
    if (!attack) {
      return Wrap(attack.error(), "row " + std::to_string(table.attacks.size() + 1));
    }
    table.attacks.push_back(*std::move(attack));
  }
  return table;
}

const KnownAttacks& KnownAttacks::BuiltIn() {
  static const KnownAttacks table = [] {
    Result<KnownAttacks> read = Read(DataFiles("attestation/attacks.json").at(0).text);
    return read ? *std::move(read) : KnownAttacks();  // a test reads it too
  }();
  return table;
}

Outlook OutlookOf(const KnownAttack& attack, std::string_view line) {
  const std::string untold = "the silicon is not stated, and no evidence was given";
  std::optional<Outlook> of_all;
  for (const KnownAttack::Rule& rule : attack.rules) {
    if (!line.empty()) {
      if (std::ranges::any_of(rule.lines,
                              [&](const std::string& pattern) { return Matches(pattern, line); })) {
        return OutlookOf(rule);
      }
      continue;
    }
    const Outlook one = OutlookOf(rule);
    if (of_all && of_all->coverage != one.coverage) {
      return {.coverage = "cannot-tell", .note = untold};
    }
    of_all = of_all ? Outlook{.coverage = one.coverage, .note = untold} : one;
  }
  // Where the rules leave lines out, their one answer does not hold of those.
  const bool all_lines = std::ranges::any_of(attack.rules, [](const KnownAttack::Rule& rule) {
    return std::ranges::find(rule.lines, "*") != rule.lines.end();
  });
  if (!of_all || !all_lines) {
    return {.coverage = "cannot-tell",
            .note = line.empty() ? untold : "the table has no answer for this silicon"};
  }
  return *of_all;
}

bool IsOfTable(const Fact& fact) { return fact.evidence.source.starts_with(kTablesWord); }

void AddKnownAttacks(Pipeline& pipeline, const KnownAttacks& table) {
  const std::size_t count = pipeline.elements().size();
  for (std::size_t i = 0; i < count; ++i) {
    if (pipeline.element(i).kind == Kind::kTee) {
      TeeFiller(pipeline, table, i).Run();
    }
  }
}

}  // namespace casemate::assess
