#pragma once

#include "assess/rule.h"
#include "assess/yaml/node.h"

// Two files beside the rules: the horizon, and what changes cost. docs/formats/rules.md.
namespace casemate::assess {

// "casemate: horizon". Errors: kInvalidArgument with LINE:COLUMN.
[[nodiscard]] Result<Horizon> ReadHorizon(const yaml::Node& root);
// One class of "casemate: changes", appended; dearer than the one before. Errors: as above.
[[nodiscard]] Result<void> ReadChangeClass(const yaml::Node& node, ChangeCosts& costs);
// Puts the horizon into the conditions, sentences and sources of the rules that ask for it.
// Errors: kInvalidArgument: a rule asks, and there is none.
[[nodiscard]] Result<void> SetHorizon(RuleSet& set);

}  // namespace casemate::assess
