#include "inference/room/constraint_source.h"

#include "inference/room/grammar_constraint.h"

namespace casemate::inference {

Result<ConstraintSource> ConstraintSource::Make(const Generate& request, const LlamaModel& model) {
  if (!request.grammar.empty() && !request.passages.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "a grammar and passages cannot be combined");
  }
  return ConstraintSource(request, model);
}

Result<std::unique_ptr<Constraint>> ConstraintSource::One() const {
  if (!request_->grammar.empty()) {
    return MakeGrammarConstraint(*model_, request_->grammar);
  }
  return std::unique_ptr<Constraint>();
}

}  // namespace casemate::inference
