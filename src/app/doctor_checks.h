#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/deployment_config.h"

// What `casemate doctor` looks at. Each check reads, changes nothing, and says what it found, why
// it matters and what to do. What does not matter here (transparent huge pages, for one) is left
// out.
namespace casemate::app {

enum class Severity : unsigned char { kOk, kNote, kWarn, kFail };
std::string_view SeverityName(Severity severity);  // "ok", "note", "warn", "fail"

struct Finding {
  std::string check;
  Severity severity = Severity::kOk;
  std::string found;
  std::string why;     // empty when all is well
  std::string remedy;  // a command or setting; empty when there is nothing to do
};

// Where the machine is looked at; a test has a folder of its own.
struct MachineView {
  std::filesystem::path root = "/";  // of proc/ and sys/
  std::int64_t unix_now = 0;         // seconds
  std::uint64_t memlock_bytes = 0;   // RLIMIT_MEMLOCK, hard
  long landlock_abi = 0;             // < 1: none
  bool has_seccomp_filter = false;
  bool has_memfd_secret = false;
  bool clock_synchronised = false;  // adjtimex(2)
  static MachineView OfThisMachine();
};

// Swap, core dumps, ptrace, kernel, landlock, seccomp, memfd_secret, init_on_free, locked memory,
// virtualisation, clock.
std::vector<Finding> CheckMachine(const MachineView& machine);

// PIN, mirror, permissions, free disk, certificate of the authority, checkpoint of the log, least
// key exchange.
std::vector<Finding> CheckDeployment(const std::filesystem::path& deployment,
                                     const config::DeploymentConfig& settings,
                                     std::int64_t unix_now);

}  // namespace casemate::app
