#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "assess/accepted.h"
#include "assess/language.h"
#include "assess/result.h"

namespace casemate::assess {

// What reports are made of; borrowed, the caller keeps it alive. A column for each assessment.
struct Report {
  std::vector<const Pipeline*> pipelines;
  std::vector<const Assessment*> assessments;  // of those pipelines, with the same rows
  const RuleSet* rules = nullptr;
  const Language* language = nullptr;
  const std::vector<Acceptance>* accepted = nullptr;
  std::string_view version;
};

// For a terminal of that many columns. `colour`: with its escape sequences.
std::string RenderTable(const Report& report, bool colour, std::size_t columns);
// One cell as an argument: rules, facts, sources, what would change it, what it rests on.
std::string RenderExplanation(const Report& report, const Assessment& assessment, const Cell& cell);
// A row for each cell: docs/formats/assessment.md.
std::string RenderCsv(const Report& report);
std::string RenderJson(const Report& report);
std::string RenderMarkdown(const Report& report);
// One page without scripts that loads nothing: tables, the drawing, chains that open, for print
// too.
std::string RenderHtml(const Report& report);
// Where content goes, the places of the plaintext window in a zone per operator. Empty where it
// would not be readable.
std::string RenderDiagram(const Pipeline& pipeline, const Assessment& assessment,
                          const Language& language);

// Shared by the renderers.
std::string Joined(const std::vector<std::string>& parts, std::string_view separator);
std::string VerdictText(const Language& language, Verdict verdict);
// "does not stop (window, cached keys)"
std::string CellText(const Language& language, const Cell& cell);
// "a and b", with the language's words for additions of a search.
std::string ChangesText(const Language& language, const Counterfactual& counterfactual);
// "raises cost with engine.tee: none -> ..."
std::string CounterfactualText(const Language& language, const Counterfactual& counterfactual);
// "engine.tee = none (documented; source; date)"
std::string FactText(const Language& language, const ChainFact& fact);
std::string ValueText(const Language& language, std::string_view value);
// What stands below the table of a cell: accepted, expired, missing facts, weak facts.
std::vector<std::string> Remarks(const Report& report, const Assessment& assessment,
                                 const Cell& cell);
// Stale facts by source: "SOURCE: 12 facts, 410 days old".
std::vector<std::string> StaleTexts(const Language& language, const Assessment& assessment);

}  // namespace casemate::assess
