#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "config/deployment_config.h"
#include "custody/messages.h"

namespace casemate::app {

// A deployment that is about to be made; its folders are there.
struct NewDeployment {
  std::filesystem::path deployment;
  config::DeploymentConfig settings;
  std::string tenant;
  std::uint32_t argon2_memory_kib = 0;  // 0: the default
  std::vector<custody::ModelEntry> models;
};

// Starts casemate-custodian from beside this program, lets it make token, trees, certificates and
// log, and waits for its end. `secret`: what it reads the passphrase from, or invalid. Errors: the
// custodian's; kNotFound: no PKCS#11 library; kUnavailable: it did not start, or ended.
[[nodiscard]] Result<custody::InitReply> AskNewCustodian(const NewDeployment& made,
                                                         UniqueFd secret);

}  // namespace casemate::app
