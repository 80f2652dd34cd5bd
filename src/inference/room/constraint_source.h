#pragma once

#include <memory>

#include "base/error.h"
#include "inference/messages.h"
#include "inference/room/constraint.h"
#include "inference/room/llama_model.h"
#include "inference/room/quote_constraint.h"

namespace casemate::inference {

// Makes the rule of each answer to one request: its grammar, its passages, or none.
class ConstraintSource {
 public:
  // `request` and `model` must outlive it. Errors: kInvalidArgument: a grammar that cannot be read
  // (the message names the place), passages that nothing can be quoted from, or both of them.
  [[nodiscard]] static Result<ConstraintSource> Make(const Generate& request,
                                                     const LlamaModel& model);
  // The rule for one answer, or nullptr. Errors: kInvalidArgument.
  [[nodiscard]] Result<std::unique_ptr<Constraint>> One() const;

 private:
  ConstraintSource(const Generate& request, const LlamaModel& model)
      : request_(&request), model_(&model) {}

  const Generate* request_;
  const LlamaModel* model_;
  std::shared_ptr<const QuoteConstraint> quotes_;
};

}  // namespace casemate::inference
