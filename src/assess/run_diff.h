#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "assess/result.h"
#include "base/error.h"

namespace casemate::assess {

// What changed of one cell between two runs.
struct CellChange {
  enum class Kind : unsigned char { kBetter, kWorse, kChanged, kNew, kGone };
  std::string cell;
  Kind kind = Kind::kChanged;
  std::string before;  // the verdict's name, with the confidence; empty for kNew
  std::string after;
  std::vector<std::string> facts;  // "engine.tee: none → enclave", of the chains
};
std::string_view ChangeKindName(CellChange::Kind kind);

// Compares two reports of `casemate assess --json`. Errors: kInvalidArgument: no such report.
[[nodiscard]] Result<std::vector<CellChange>> CompareRuns(std::string_view before,
                                                          std::string_view after);

}  // namespace casemate::assess
