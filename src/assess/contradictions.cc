#include <map>

#include "assess/result.h"

namespace casemate::assess {
namespace {

// Each is judged like a table without counterfactuals; more would make a report slow.
constexpr std::size_t kMaxJudged = 64;

std::vector<MovedCell> MovesOf(const Contradiction& contradiction, const Assessment& assessment,
                               Pipeline pipeline, const RuleSet& rules, AssessOptions options) {
  options.counterfactuals = false;
  const Result<Fact> stated = pipeline.State({.element = contradiction.element,
                                              .field = contradiction.field,
                                              .value = contradiction.claimed,
                                              .evidence = contradiction.claimed_by});
  std::vector<MovedCell> moves;
  if (!stated) {
    return moves;
  }
  const Assessment claimed = Assess(pipeline, rules, options);
  for (std::size_t i = 0; i < claimed.cells.size(); ++i) {
    const Cell& found = assessment.cells[i];
    if (claimed.cells[i].verdict != found.verdict) {
      moves.push_back({.adversary = found.adversary,
                       .claimed = claimed.cells[i].verdict,
                       .found = found.verdict});
    }
  }
  return moves;
}

}  // namespace

void AddContradictions(Assessment& assessment, const Pipeline& pipeline, const RuleSet& rules,
                       const AssessOptions& options, std::vector<Contradiction> contradictions) {
  std::map<std::string, std::size_t> count;
  for (std::size_t i = 0; i < contradictions.size(); ++i) {
    Contradiction& contradiction = contradictions[i];
    const std::size_t number = ++count[contradiction.Name()];
    contradiction.id = "contradiction:" + contradiction.Name() + "@" + assessment.name +
                       (number == 1 ? "" : "#" + std::to_string(number));
    if (i < kMaxJudged) {
      contradiction.moves = MovesOf(contradiction, assessment, pipeline, rules, options);
    }
  }
  assessment.contradictions = std::move(contradictions);
}

}  // namespace casemate::assess
