#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

// What a process may still do once it has its descriptors. Landlock (file tree and, from ABI 4,
// TCP), seccomp and rlimits; Linux 6.1 at least. What an older kernel cannot do is reported, not
// hidden.
namespace casemate::sandbox {

struct Rules {
  std::vector<std::filesystem::path> read_only;   // files or folders
  std::vector<std::filesystem::path> read_write;  // folders
  bool may_exec = false;                          // supervisor only
  bool may_use_network = false;  // accept and connect on internet sockets: front and connect
  std::vector<std::uint16_t>
      connect_ports;             // with it: the only TCP ports to connect to; empty: all
  bool may_listen_unix = false;  // accept on sockets it was given
  bool may_make_threads = true;
  std::uint64_t max_memory_bytes = 0;  // RLIMIT_AS; 0: unlimited
  std::uint32_t max_cpu_seconds = 0;   // 0: unlimited
  std::uint32_t max_files = 1024;      // RLIMIT_NOFILE
};

struct Applied {
  int landlock_abi = 0;               // 0: the kernel has none (6.1 without it): Enter fails then
  std::vector<std::string> degraded;  // "TCP is not restricted by landlock (ABI 3, needs 4)"
};

// Enters the sandbox; there is no way out. Call with one thread, after HardenProcess. Errors:
// kUnavailable: the kernel lacks landlock or seccomp; kNotFound: a path does not exist.
[[nodiscard]] Result<Applied> Enter(const Rules& rules);

}  // namespace casemate::sandbox
