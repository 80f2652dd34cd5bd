#include "app/doctor_checks.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/clock.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kWantedMemlock = 8ULL << 20;    // bytes: arena and secrets
constexpr std::int64_t kEarliestClock = 1'767'225'600;  // 2026-01-01: before this program was made
constexpr std::int64_t kLatestClock = 4'102'444'800;    // 2100-01-01
// linux/landlock.h: LANDLOCK_CREATE_RULESET_VERSION
constexpr unsigned kLandlockVersion = 1;

std::string ReadText(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  std::string content = text.str();
  while (!content.empty() && (content.back() == '\n' || content.back() == ' ')) {
    content.pop_back();
  }
  return content;
}

Finding CheckSwap() {
  // A header line, then one per area.
  const std::string swaps = ReadText("/proc/swaps");
  const bool any = swaps.find('\n') != std::string::npos;
  return any ? Finding{"swap", Severity::kWarning,
                       "swap is on: documents and prompts (not keys) may reach it",
                       "swapoff -a, or encrypt swap with a random key (crypttab: swap)"}
             : Finding{"swap", Severity::kOk, "no swap", ""};
}

Finding CheckCorePattern() {
  const std::string pattern = ReadText("/proc/sys/kernel/core_pattern");
  return pattern.starts_with("|")
             ? Finding{"core dumps", Severity::kNote,
                       "core_pattern pipes into a program; Casemate's processes are not dumpable, "
                       "others on this machine are",
                       "sysctl kernel.core_pattern=core, if other processes hold secrets too"}
             : Finding{"core dumps", Severity::kOk, "core_pattern is '" + pattern + "'", ""};
}

Finding CheckPtrace() {
  const std::string scope = ReadText("/proc/sys/kernel/yama/ptrace_scope");
  if (scope.empty()) {
    return {"ptrace", Severity::kNote,
            "the kernel has no Yama; not-dumpable processes are still "
            "safe from their own user",
            ""};
  }
  return scope == "0" ? Finding{"ptrace", Severity::kWarning, "ptrace_scope is 0",
                                "sysctl kernel.yama.ptrace_scope=1, or higher"}
                      : Finding{"ptrace", Severity::kOk, "ptrace_scope is " + scope, ""};
}

Finding CheckMemlock() {
  struct rlimit limit{};
  (void)::getrlimit(RLIMIT_MEMLOCK, &limit);
  const std::string kib = limit.rlim_max == RLIM_INFINITY
                              ? "unlimited"
                              : std::to_string(limit.rlim_max / 1024) + " KiB";
  return limit.rlim_max < kWantedMemlock
             ? Finding{"locked memory", Severity::kError,
                       "RLIMIT_MEMLOCK is " + kib + "; each process locks up to 8 MiB",
                       "LimitMEMLOCK=64M in the systemd unit, or memlock in limits.conf"}
             : Finding{"locked memory", Severity::kOk, "RLIMIT_MEMLOCK is " + kib, ""};
}

Finding CheckKernel() {
  struct utsname name{};
  (void)::uname(&name);
  int major = 0;
  int minor = 0;
  (void)std::sscanf(name.release, "%d.%d", &major, &minor);
  const std::string found = std::string("Linux ") + name.release;
  if (major < 6 || (major == 6 && minor < 1)) {
    return {"kernel", Severity::kError, found, "Linux 6.1 or later"};
  }
  if (major == 6 && minor < 7) {
    return {"kernel", Severity::kNote,
            found + ": landlock does not restrict TCP before 6.7; seccomp alone does",
            "Linux 6.7 or later"};
  }
  return {"kernel", Severity::kOk, found, ""};
}

Finding CheckLandlock() {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kLandlockVersion);
  return abi < 1 ? Finding{"landlock", Severity::kError, "the kernel has no landlock",
                           "boot with lsm=landlock,... in the kernel's command line"}
                 : Finding{"landlock", Severity::kOk, "ABI " + std::to_string(abi), ""};
}

Finding CheckInitOnFree() {
  const std::string command_line = ReadText("/proc/cmdline");
  return command_line.find("init_on_free=1") == std::string::npos
             ? Finding{"init_on_free", Severity::kWarning,
                       "the kernel clears a dead process's pages only when it reuses them",
                       "init_on_free=1 in the kernel's command line"}
             : Finding{"init_on_free", Severity::kOk, "init_on_free=1", ""};
}

Finding CheckClock() {
  const std::int64_t now = UnixSeconds();
  return now < kEarliestClock || now > kLatestClock
             ? Finding{"clock", Severity::kError, "the clock says " + FormatUtc(now),
                       "set the clock; the log's entries and certificates carry its time"}
             : Finding{"clock", Severity::kOk, FormatUtc(now), ""};
}

Finding CheckPin(const config::DeploymentConfig& settings) {
  return settings.custody.pin_source == config::PinSource::kInsecureFile
             ? Finding{"PIN", Severity::kError,
                       "the PIN lies beside the token: a stolen disk opens everything",
                       "make the deployment anew without --insecure-pin-file"}
             : Finding{"PIN", Severity::kOk,
                       "from " + std::string(config::PinSourceName(settings.custody.pin_source)),
                       ""};
}

Finding CheckMirror(const fs::path& deployment, const config::DeploymentConfig& settings) {
  const std::string& mirror = settings.custody.mirror;
  if (mirror.empty()) {
    return {"mirror", Severity::kWarning, "no mirror is set: erasing is refused",
            "custody.mirror = \"/path/on/another/disk\" in config.toml"};
  }
  if (mirror == "none") {
    return {"mirror", Severity::kWarning,
            "there is no mirror, accepted: after an erasure a lost disk loses everything",
            "custody.mirror = \"/path/on/another/disk\" in config.toml"};
  }
  struct stat here{};
  struct stat there{};
  if (::stat(mirror.c_str(), &there) != 0) {
    return {"mirror", Severity::kError, mirror + " cannot be reached", "mount it"};
  }
  if (::stat(deployment.c_str(), &here) == 0 && here.st_dev == there.st_dev) {
    return {"mirror", Severity::kWarning, mirror + " is on the deployment's own disk",
            "put it on another one"};
  }
  return {"mirror", Severity::kOk, mirror, ""};
}

Finding CheckPermissions(const fs::path& deployment) {
  struct stat facts{};
  if (::stat(deployment.c_str(), &facts) != 0) {
    return {"permissions", Severity::kError, deployment.string() + " cannot be read", ""};
  }
  return (facts.st_mode & 077) != 0
             ? Finding{"permissions", Severity::kWarning,
                       deployment.string() + " is open to other users",
                       "chmod 700 " + deployment.string()}
             : Finding{"permissions", Severity::kOk, "the folder is its owner's alone", ""};
}

}  // namespace

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kOk:
      return "ok";
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "error";
}

std::vector<Finding> CheckMachine() {
  return {CheckSwap(),   CheckCorePattern(), CheckPtrace(),     CheckMemlock(),
          CheckKernel(), CheckLandlock(),    CheckInitOnFree(), CheckClock()};
}

std::vector<Finding> CheckDeployment(const fs::path& deployment,
                                     const config::DeploymentConfig& settings) {
  return {CheckPin(settings), CheckMirror(deployment, settings), CheckPermissions(deployment)};
}

}  // namespace casemate::app
