#include "retrieval/fusion.h"

#include <algorithm>
#include <map>

namespace casemate::retrieval {

std::vector<Ranked> Fuse(std::span<const Ranked> keyword, std::span<const Ranked> vector,
                         const FusionOptions& options, std::size_t limit) {
  std::map<std::int64_t, double> scores;
  const auto add = [&](std::span<const Ranked> list, double weight) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      scores[list[i].row] += weight / (options.rank_constant + static_cast<double>(i + 1));
    }
  };
  add(keyword, options.keyword_weight);
  add(vector, options.vector_weight);

  const double best =
      (options.keyword_weight + options.vector_weight) / (options.rank_constant + 1);
  std::vector<Ranked> fused;
  for (const auto& [row, score] : scores) {
    fused.push_back({row, best > 0 ? std::min(score / best, 1.0) : 0});
  }
  std::ranges::stable_sort(fused,
                           [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
  fused.resize(std::min(limit, fused.size()));
  return fused;
}

}  // namespace casemate::retrieval
