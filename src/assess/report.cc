#include "assess/report.h"

#include <algorithm>
#include <map>

namespace casemate::assess {
namespace {

constexpr std::size_t kMaxShownChanges = 6;

}  // namespace

std::string Joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : std::string(separator)) + part;
  }
  return text;
}

std::string VerdictText(const Language& language, Verdict verdict) {
  return language.Get("verdict." + std::string(VerdictName(verdict)));
}

std::string CellText(const Language& language, const Cell& cell) {
  std::string text = VerdictText(language, cell.verdict);
  for (std::size_t i = 0; i < cell.notes.size(); ++i) {
    text += (i == 0 ? " (" : ", ") + cell.notes[i].In(language.code());
  }
  return text + (cell.notes.empty() ? "" : ")");
}

std::string ValueText(const Language& language, std::string_view value) {
  return value.starts_with('+') ? language.Get("element." + std::string(value.substr(1)))
                                : std::string(value);
}

std::string ChangesText(const Language& language, const Counterfactual& counterfactual) {
  std::string text;
  const std::vector<Change>& changes = counterfactual.changes;
  const std::size_t shown = std::min(changes.size(), kMaxShownChanges);
  for (std::size_t i = 0; i < shown; ++i) {
    text += i == 0 ? "" : i + 1 == changes.size() ? language.Get("change.and") : ", ";
    text += changes[i].element + "." + changes[i].field + ": " + changes[i].before + " → " +
            ValueText(language, changes[i].after);
  }
  if (shown < changes.size()) {
    text += language.Fill("change.more", {std::to_string(changes.size() - shown)});
  }
  return text;
}

std::string CounterfactualText(const Language& language, const Counterfactual& counterfactual) {
  return language.Fill("change.becomes", {VerdictText(language, counterfactual.becomes),
                                          ChangesText(language, counterfactual)}) +
         (counterfactual.searched_all ? "" : language.Get("change.bounded"));
}

std::string FactText(const Language& language, const ChainFact& fact) {
  std::string text = fact.Name() + " = " + fact.value;
  if (fact.evidence.confidence == Confidence::kUnknown) {
    return text;
  }
  text +=
      " (" + language.Get("confidence." + std::string(ConfidenceName(fact.evidence.confidence)));
  for (const std::string* part : {&fact.evidence.source, &fact.evidence.date}) {
    text += part->empty() ? "" : "; " + *part;
  }
  return text + ")";
}

std::vector<std::string> Remarks(const Report& report, const Assessment& assessment,
                                 const Cell& cell) {
  const Language& language = *report.language;
  std::vector<std::string> remarks;
  if (cell.verdict == Verdict::kNotApplicable) {
    remarks.push_back(language.Fill("note.behind", {VerdictText(language, cell.derived)}));
  }
  if (cell.verdict == Verdict::kUnknown) {
    std::string names;
    for (const ChainFact& fact : cell.missing) {
      const std::string name = fact.Name();
      names += names.empty() ? name : names.find(name) == std::string::npos ? ", " + name : "";
    }
    remarks.push_back(language.Fill("note.missing", {names, VerdictText(language, cell.worst),
                                                     VerdictText(language, cell.best)}));
  } else if (cell.weakest && cell.confidence <= Confidence::kContract) {
    remarks.push_back(language.Fill(
        "note.weakest", {language.Get("confidence." + std::string(ConfidenceName(cell.confidence))),
                         cell.weakest->Name()}));
  }
  for (const Contradiction& contradiction : assessment.contradictions) {
    if (std::ranges::find(contradiction.moves, cell.adversary, &MovedCell::adversary) !=
        contradiction.moves.end()) {
      remarks.push_back(language.Fill("note.contradicted", {contradiction.Name()}));
    }
  }
  if (report.accepted != nullptr) {
    const AcceptanceOf found = FindAcceptance(*report.accepted, cell, assessment.today);
    if (found.state == AcceptanceState::kAccepted) {
      remarks.push_back(language.Fill(
          "note.accepted",
          {found.acceptance->owner, found.acceptance->until, found.acceptance->reason}));
    } else if (found.state == AcceptanceState::kExpired) {
      remarks.push_back(
          language.Fill("note.expired", {found.acceptance->owner, found.acceptance->until}));
    } else if (found.state == AcceptanceState::kOutgrown) {
      remarks.push_back(language.Fill(
          "note.outgrown",
          {found.acceptance->owner, VerdictText(language, found.acceptance->verdict)}));
    }
  }
  return remarks;
}

std::vector<std::string> StaleTexts(const Language& language, const Assessment& assessment) {
  std::map<std::pair<std::string, std::int64_t>, std::size_t> counts;
  for (const StaleFact& stale : assessment.stale) {
    ++counts[{stale.fact.evidence.source, stale.days}];
  }
  std::vector<std::string> texts;
  texts.reserve(counts.size());
  for (const auto& [source, count] : counts) {
    texts.push_back(language.Fill(
        "stale.row", {source.first, std::to_string(count), std::to_string(source.second)}));
  }
  return texts;
}

}  // namespace casemate::assess
