#include <algorithm>

#include "assess/report_compliance.h"
#include "assess/report_contradictions.h"

namespace casemate::assess {
namespace {

// Of the worst cell that hangs on it; where none does, the lowest.
std::size_t LikelihoodOf(const RegisterTable& table, const Contradiction& contradiction) {
  std::size_t likelihood = 0;
  for (const MovedCell& move : contradiction.moves) {
    likelihood = std::max(likelihood, table.LikelihoodOf(move.adversary->id, move.found));
  }
  return likelihood;
}

std::string LabelOf(const Pipeline& pipeline, const Contradiction& contradiction) {
  const std::optional<std::size_t> element = pipeline.Find(contradiction.element);
  return element && FieldIndex(pipeline.element(*element).kind, "label")
             ? pipeline.labels()[pipeline.LabelOf(*element)]
             : HighestLabel(pipeline, nullptr);
}

}  // namespace

const Evidence& EvidenceOf(const Pipeline& pipeline, const Contradiction& contradiction) {
  const std::optional<std::size_t> element = pipeline.Find(contradiction.element);
  const std::optional<std::size_t> field =
      element ? FieldIndex(pipeline.element(*element).kind, contradiction.field) : std::nullopt;
  return field ? pipeline.fact(*element, *field).evidence : contradiction.claimed_by;
}

std::vector<std::string> ContradictionColumns(const Report& report, const RegisterTable& table,
                                              const Pipeline& pipeline,
                                              const Assessment& assessment,
                                              const Contradiction& contradiction) {
  const Language& language = *report.language;
  const std::string you = PartyName(pipeline, pipeline.you());
  const std::string todo = language.Fill("register.todo", {you});
  const std::string label = LabelOf(pipeline, contradiction);
  const std::size_t likelihood = LikelihoodOf(table, contradiction);
  const std::size_t impact = table.ImpactOf(label);
  const auto level = [&](std::size_t at) {
    return table.levels[table.matrix[impact][at]].title.In(language.code());
  };
  std::vector<std::string> adversaries;
  adversaries.reserve(contradiction.moves.size());
  for (const MovedCell& move : contradiction.moves) {
    adversaries.push_back(move.adversary->title.In(language.code()));
  }
  const Evidence& evidence = EvidenceOf(pipeline, contradiction);
  return {contradiction.id,
          contradiction.element,
          you,
          language.Fill("register.owner-of", {you}),
          "C: " + label + "; I, A: " + language.Get("register.not-assessed"),
          language.Get("contradiction.threat"),
          "",
          ContradictionText(language, contradiction),
          Joined(adversaries, "; "),
          "contradiction",
          std::string(ConfidenceName(evidence.confidence)),
          "",
          "",
          level(likelihood),
          table.likelihood[likelihood].title.In(language.code()),
          MovesText(language, contradiction),
          table.impact[impact].title.In(language.code()),
          language.Fill("register.impact-why", {label}),
          level(likelihood),
          language.Get("register.reduce"),
          language.Get("contradiction.measure"),
          todo,
          todo,
          level(0),
          "",
          "",
          "open",
          contradiction.file + ", " + contradiction.path + " (" + evidence.date + ")",
          "",
          DayText(DayOf(assessment.today) + kReviewDays)};
}

}  // namespace casemate::assess
