#include "inference/room/prefill_shares.h"

#include <algorithm>
#include <map>

namespace casemate::inference {
namespace {

// Shares `budget` evenly among `wanted`: those that want least are served first, and what they
// leave is for the rest.
std::vector<std::size_t> ShareEvenly(const std::vector<std::size_t>& wanted, std::size_t budget) {
  std::vector<std::size_t> order(wanted.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::ranges::stable_sort(order, {}, [&wanted](std::size_t i) { return wanted[i]; });
  std::vector<std::size_t> given(wanted.size());
  std::size_t left = order.size();
  for (const std::size_t i : order) {
    given[i] = std::min(wanted[i], budget / left--);
    budget -= given[i];
  }
  return given;
}

}  // namespace

std::vector<std::size_t> SharePrefill(std::span<const PrefillNeed> needs, std::size_t budget) {
  std::map<std::uint64_t, std::vector<std::size_t>> by_share;  // numbers of prompts
  for (std::size_t i = 0; i < needs.size(); ++i) {
    by_share[needs[i].share].push_back(i);
  }
  std::vector<std::size_t> wanted_of_shares;
  for (const auto& [share, prompts] : by_share) {
    std::size_t sum = 0;
    for (const std::size_t i : prompts) {
      sum += needs[i].tokens;
    }
    wanted_of_shares.push_back(sum);
  }
  const std::vector<std::size_t> budgets = ShareEvenly(wanted_of_shares, budget);
  std::vector<std::size_t> given(needs.size());
  std::size_t at = 0;
  for (const auto& [share, prompts] : by_share) {
    std::vector<std::size_t> wanted;
    for (const std::size_t i : prompts) {
      wanted.push_back(needs[i].tokens);
    }
    const std::vector<std::size_t> parts = ShareEvenly(wanted, budgets[at++]);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      given[prompts[i]] = parts[i];
    }
  }
  return given;
}

}  // namespace casemate::inference
