#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace casemate::inference {

// A prompt that waits to be computed.
struct PrefillNeed {
  std::uint64_t share = 0;  // whose it is (Generate::share)
  std::size_t tokens = 0;   // still to be computed, at least 1
};

// How many tokens of each prompt come into a step that has room for `budget`: as much for each
// share, however many prompts it has, and within a share as much for each prompt; what one does not
// need goes to the others, so that the budget is used up while anything is left. So a short prompt
// does not wait for a long one that came first, nor one principal for eight prompts of another.
std::vector<std::size_t> SharePrefill(std::span<const PrefillNeed> needs, std::size_t budget);

}  // namespace casemate::inference
