#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "metrics/messages.h"

namespace casemate::metrics {

// Adds up what the processes of one deployment report. Counters and histograms of processes that
// have ended keep counting with what they reported last, so that a sum never falls while the front
// lives. Reports come from processes that may be broken: a family that is not well-formed, or that
// another process describes differently, is left out. Threads: one at a time.
class Totals {
 public:
  static constexpr std::size_t kMaxFamilies = 512;

  // Families by name, their series by label values.
  [[nodiscard]] std::vector<FamilySnapshot> Add(const Gathered& gathered);

 private:
  using Families = std::map<std::string, FamilySnapshot>;
  static void Merge(Families& into, const Snapshot& snapshot, bool gauges);

  std::map<std::uint64_t, Snapshot> last_;  // of processes that were there the last time
  Families ended_;                          // sums over those that are gone; no gauges
};

}  // namespace casemate::metrics
