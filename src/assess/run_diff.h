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

// A contradiction between description and evidence that has come, gone, or is about other values.
struct ContradictionChange {
  std::string id;
  CellChange::Kind kind = CellChange::Kind::kChanged;  // or kNew, kGone
  std::string before;                                  // "off, found human"; empty for kNew
  std::string after;
};

struct RunChanges {
  std::vector<CellChange> cells;
  std::vector<ContradictionChange> contradictions;
  bool empty() const { return cells.empty() && contradictions.empty(); }
  // A cell got worse, or evidence contradicts the description where it did not.
  bool IsWorse() const;
};

// Compares two reports of `casemate assess --json`. Errors: kInvalidArgument: no such report.
[[nodiscard]] Result<RunChanges> CompareRuns(std::string_view before, std::string_view after);

}  // namespace casemate::assess
