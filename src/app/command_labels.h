#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "policy/label.h"

namespace casemate::app {

// The names of the deployment's labels, from its config.toml; a server whose state says something
// else does not start.
[[nodiscard]] Result<policy::LabelOrder> DeploymentLabels(const std::filesystem::path& deployment);

// "90d", "12h", "30m", "45s": so long after `now`, in unix seconds; empty: 0. At most ten years.
// Errors: kInvalidArgument, naming the form.
[[nodiscard]] Result<std::int64_t> ParseExpiry(const std::string& text, std::int64_t now);

}  // namespace casemate::app
