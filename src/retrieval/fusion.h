#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "retrieval/keyword_index.h"

namespace casemate::retrieval {

// docs/decisions/0005-retrieval-fusion.md has the reasons for the numbers.
struct FusionOptions {
  double keyword_weight = 0.8;
  double vector_weight = 0.2;
  double rank_constant = 10;  // how slowly a rank loses weight
};

// Weighted reciprocal rank fusion (Cormack, Clarke, Buettcher 2009): a row's score is the sum of
// weight / (constant + rank) over the lists it is in, scaled so that first in both is 1. The best
// `limit`, equal scores by row.
std::vector<Ranked> Fuse(std::span<const Ranked> keyword, std::span<const Ranked> vector,
                         const FusionOptions& options, std::size_t limit);

}  // namespace casemate::retrieval
