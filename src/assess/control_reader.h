#pragma once

#include <string>

#include "assess/register.h"
#include "assess/yaml/node.h"

namespace casemate::assess {

// Parts of the register's table. Errors: kInvalidArgument with LINE:COLUMN.

// `en` and `de` of a mapping.
[[nodiscard]] Result<Texts> TextsOf(const yaml::Node& node);
// Whether there is an adversary of that id, or it is "exit".
[[nodiscard]] Result<void> CheckRisk(const std::string& id, yaml::Mark mark, const RuleSet& rules);
[[nodiscard]] Result<Control> ReadControl(const yaml::Node& node, const RuleSet& rules);

}  // namespace casemate::assess
