#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/deployment_config.h"

// What `casemate doctor` looks at. Each check reads, changes nothing, and says what it found.
namespace casemate::app {

enum class Severity : unsigned char { kOk, kNote, kWarning, kError };
std::string_view SeverityName(Severity severity);

struct Finding {
  std::string check;
  Severity severity = Severity::kOk;
  std::string found;
  std::string remedy;  // empty when there is nothing to do
};

// The machine: swap, core dumps, ptrace, locked memory, kernel, landlock, init_on_free, clock.
std::vector<Finding> CheckMachine();
// The deployment: PIN, mirror, permissions.
std::vector<Finding> CheckDeployment(const std::filesystem::path& deployment,
                                     const config::DeploymentConfig& settings);

}  // namespace casemate::app
