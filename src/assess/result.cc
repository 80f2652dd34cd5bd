#include "assess/result.h"

#include <algorithm>
#include <array>

namespace casemate::assess {
namespace {

constexpr std::array<std::string_view, 6> kVerdicts = {
    "does-not-stop", "controllable", "raises-cost", "stops", "unknown", "not-applicable"};

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  return kVerdicts[static_cast<std::size_t>(verdict)];
}

std::optional<Verdict> ParseVerdict(std::string_view name) {
  const auto* const found = std::ranges::find(kVerdicts, name);
  return found == kVerdicts.end() ? std::nullopt
                                  : std::optional(static_cast<Verdict>(found - kVerdicts.begin()));
}

std::vector<std::string_view> VerdictNames() { return {kVerdicts.begin(), kVerdicts.end()}; }

}  // namespace casemate::assess
