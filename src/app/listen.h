#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace casemate::app {

// A listening UNIX socket, mode 0600; what has that name is removed. `type` is SOCK_STREAM or
// SOCK_SEQPACKET.
[[nodiscard]] Result<UniqueFd> ListenUnixAt(const std::filesystem::path& path, int type);

// A listening TCP socket. Errors: kConflict: the port is taken; kInvalidArgument: not an address of
// this machine.
[[nodiscard]] Result<UniqueFd> ListenTcp(const std::string& address, std::uint16_t port);

}  // namespace casemate::app
