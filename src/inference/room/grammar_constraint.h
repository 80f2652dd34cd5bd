#pragma once

#include <memory>

#include "base/error.h"
#include "inference/room/constraint.h"
#include "inference/room/llama_model.h"
#include "secmem/plaintext.h"

namespace casemate::inference {

// The answer matches a grammar (docs/formats/grammar.md), by libllama's own grammar sampler. An
// end token is allowed where the grammar may end, and is all that is allowed where it must.
// `model` must outlive it. Errors: kInvalidArgument, param "grammar": as CheckGrammar, or a grammar
// that is left-recursive.
[[nodiscard]] Result<std::unique_ptr<Constraint>> MakeGrammarConstraint(const LlamaModel& model,
                                                                        PlaintextView grammar);

}  // namespace casemate::inference
