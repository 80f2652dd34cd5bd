#pragma once

#include <string>
#include <vector>

#include "config/deployment_config.h"

namespace casemate::config {

// The names of settings that differ, as "log.level".
struct Reloaded {
  std::vector<std::string> applied;       // taken over
  std::vector<std::string> need_restart;  // left as they were
};

// Takes from `loaded` into `running` what a running server can change: limits, TLS groups, names of
// the certificate, leases, rooms that start from now on, logging.
Reloaded Reload(const DeploymentConfig& loaded, DeploymentConfig& running);

}  // namespace casemate::config
