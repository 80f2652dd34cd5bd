#pragma once

#include <filesystem>
#include <string>

#include "app/listen.h"
#include "base/error.h"
#include "base/fd.h"

// What a server opens in its deployment folder, and on the network, before it starts anything.
namespace casemate::app {

// Takes D/run/lock and writes our process id into it; makes D/run (0700) when it is absent. Errors:
// kConflict: another server has it; the message names its process.
[[nodiscard]] Result<UniqueFd> LockDeployment(const std::filesystem::path& deployment);

// A listening socket in D/run, mode 0600; what a server before us left under that name is removed.
// `type` is SOCK_STREAM or SOCK_SEQPACKET. Call with the lock held.
[[nodiscard]] Result<UniqueFd> ListenUnix(const std::filesystem::path& deployment,
                                          const std::string& name, int type);

// Removes what ListenUnix made, so that after an orderly end the folder holds files only.
void RemoveUnix(const std::filesystem::path& deployment, const std::string& name);

}  // namespace casemate::app
