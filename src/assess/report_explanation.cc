#include <algorithm>
#include <set>

#include "assess/report.h"
#include "assess/text_lines.h"

namespace casemate::assess {
namespace {

// A rule that leads nowhere is said once, with every element that it was asked of.
void AddBlocked(std::string& out, const Language& language, const Cell& cell, std::size_t columns) {
  if (cell.blocked.empty()) {
    return;
  }
  out += "\n" + language.Get("explain.blocked") + "\n";
  std::vector<const Rule*> done;
  for (const BlockedWay& first : cell.blocked) {
    if (std::ranges::find(done, first.rule) != done.end()) {
      continue;
    }
    done.push_back(first.rule);
    Indented(out, "  - ", first.rule->sentence.In(language.code()) + " [" + first.rule->id + "]",
             columns);
    std::set<std::string> said;
    for (const BlockedWay& way : cell.blocked) {
      if (way.rule != first.rule) {
        continue;
      }
      std::string text =
          way.lacks.empty() ? "" : way.element + ": " + language.Fill("explain.lacks", {way.lacks});
      for (const ChainFact& fact : way.facts) {
        text += (text.empty() ? "" : "; ") + FactText(language, fact);
      }
      if (said.insert(text).second) {
        Indented(out, "       ", text, columns);
      }
    }
  }
}

// Paths that hang on missing facts, apart from those that the verdict rests on.
void AddMayReach(std::string& out, const Language& language, const Cell& cell,
                 std::size_t columns) {
  if (cell.may_reach.empty()) {
    return;
  }
  std::string names;
  for (const std::string& id : cell.may_reach) {
    names += (names.empty() ? "" : ", ") + id;
  }
  std::string notes;
  for (const Texts& note : cell.may_notes) {
    notes += (notes.empty() ? " (" : ", ") + note.In(language.code());
  }
  names += notes + (notes.empty() ? "" : ")");
  Indented(out, "", language.Fill("explain.may-reach", {names}), columns);
}

}  // namespace

std::string RenderExplanation(const Report& report, const Assessment& assessment,
                              const Cell& cell) {
  constexpr std::size_t kColumns = 110;
  const Language& language = *report.language;
  const std::string& code = language.code();
  std::string out = cell.id + ": " + CellText(language, cell) + "\n";
  Indented(out, cell.adversary->title.In(code) + ": ", cell.adversary->sentence.In(code), kColumns);
  if (const Instrument* instrument = report.rules->FindInstrument(cell.adversary->instrument)) {
    Indented(out, "  ",
             instrument->title.In(code) + ". " +
                 language.Fill("legal.state", {instrument->date, instrument->state}) + ". " +
                 language.Fill("explain.source", {instrument->source}),
             kColumns);
  }
  for (const std::string& remark : Remarks(report, assessment, cell)) {
    Indented(out, "  ", remark, kColumns);
  }
  if (!cell.chain.empty()) {
    out += "\n" + language.Get("explain.why") + "\n";
  }
  for (std::size_t i = 0; i < cell.chain.size(); ++i) {
    const ChainStep& step = cell.chain[i];
    std::string from;
    for (const std::size_t before : step.from) {
      from += (from.empty() ? " " + language.Get("explain.from") + " " : ", ") +
              std::to_string(before + 1);
    }
    Indented(out, "  " + std::to_string(i + 1) + ". ",
             step.rule->sentence.In(code) + " [" + step.id + from + "]", kColumns);
    for (const ChainFact& fact : step.facts) {
      Indented(out, "       ", FactText(language, fact), kColumns);
    }
    Indented(out, "       ",
             language.Fill("explain.source", {step.rule->source + ", " + step.rule->date}),
             kColumns);
  }
  if (!cell.attacks.empty()) {
    out += "\n" + language.Fill("explain.attacks", {std::to_string(cell.attacks.size())}) + "\n";
    for (const ChainFact& attack : cell.attacks) {
      Indented(out, "  - ", FactText(language, attack), kColumns);
    }
  }
  if (!cell.reached.empty()) {
    std::string names;
    for (const std::string& id : cell.reached) {
      names += (names.empty() ? "" : ", ") + id;
    }
    names += cell.reached_count > cell.reached.size()
                 ? language.Fill("change.more",
                                 {std::to_string(cell.reached_count - cell.reached.size())})
                 : "";
    out += "\n" + language.Fill("explain.reached", {names}) + "\n";
  }
  AddMayReach(out, language, cell, kColumns);
  if (cell.weakest) {
    Indented(out, "", language.Fill("explain.weakest", {FactText(language, *cell.weakest)}),
             kColumns);
  }
  if (!cell.missing.empty()) {
    out += "\n" + language.Get("explain.missing") + ", " +
           language.Fill("explain.range",
                         {VerdictText(language, cell.worst), VerdictText(language, cell.best)}) +
           "\n";
    for (const ChainFact& fact : cell.missing) {
      out += "  " + fact.Name() + "\n";
    }
  }
  if (cell.better) {
    out += "\n";
    Indented(out, language.Get("explain.change") + ": ", CounterfactualText(language, *cell.better),
             kColumns);
  } else if (RankOf(cell) < RankOf(Verdict::kStops)) {
    out += "\n" + language.Get("explain.change") + ": " + language.Get("change.none") + "\n";
  }
  if (cell.stops) {
    Indented(out, language.Get("explain.stops") + ": ", CounterfactualText(language, *cell.stops),
             kColumns);
  }
  if (!cell.worse.empty()) {
    out += "\n" + language.Get("explain.rests") + "\n";
    for (const Counterfactual& fact : cell.worse) {
      const Change& change = fact.changes.front();
      Indented(out, "  ",
               language.Fill("explain.rest", {change.element + "." + change.field, change.before,
                                              ValueText(language, change.after),
                                              VerdictText(language, fact.becomes)}),
               kColumns);
    }
  }
  AddBlocked(out, language, cell, kColumns);
  return out;
}

}  // namespace casemate::assess
