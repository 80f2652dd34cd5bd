#pragma once

#include <memory>

#include "inference/messages.h"

struct llama_sampler;

namespace casemate::inference {

struct FreeSampler {
  void operator()(llama_sampler* sampler) const;
};
using Sampler = std::unique_ptr<llama_sampler, FreeSampler>;

// The chain that picks tokens for one request: greedy at temperature 0; else temperature, then
// top_p, then a draw from a generator seeded by `seed`, or by the kernel where none is given. The
// same seed, prompt and model give the same answer. Errors: kInvalidArgument: temperature outside 0
// to 2, top_p outside 0 (not included) to 1.
[[nodiscard]] Result<Sampler> MakeSampler(const Generate& request);

}  // namespace casemate::inference
