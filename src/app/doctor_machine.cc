#include <linux/seccomp.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "app/doctor_checks.h"
#include "base/clock.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kWantedMemlock = 8ULL << 20;    // bytes: arena and secrets
constexpr std::int64_t kEarliestClock = 1'767'225'600;  // 2026-01-01: before this program was made
constexpr std::int64_t kLatestClock = 4'102'444'800;    // 2100-01-01
// linux/landlock.h: LANDLOCK_CREATE_RULESET_VERSION
constexpr unsigned kLandlockVersion = 1;

std::string ReadText(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  std::string content = text.str();
  while (!content.empty() && (content.back() == '\n' || content.back() == ' ')) {
    content.pop_back();
  }
  return content;
}

Finding CheckSwap(const MachineView& machine) {
  // A header line, then one per area; compressed memory (zram) never reaches a disk.
  std::istringstream lines(ReadText(machine.root / "proc/swaps"));
  std::string areas;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Filename") || line.find("zram") != std::string::npos) {
      continue;
    }
    areas += (areas.empty() ? "" : ", ") + line.substr(0, line.find_first_of(" \t"));
  }
  return areas.empty() ? Finding{"swap", Severity::kOk, "no swap on a disk", "", ""}
                       : Finding{"swap", Severity::kWarn, "swap is on: " + areas,
                                 "documents and prompts (not keys, which are locked) may reach it "
                                 "and stay there",
                                 "swapoff -a, or a random key for it in /etc/crypttab"};
}

Finding CheckCorePattern(const MachineView& machine) {
  const std::string pattern = ReadText(machine.root / "proc/sys/kernel/core_pattern");
  return pattern.starts_with("|")
             ? Finding{"core dumps", Severity::kNote, "core_pattern pipes into a program",
                       "Casemate's processes are not dumpable; others on this machine are",
                       "sysctl kernel.core_pattern=core"}
             : Finding{"core dumps", Severity::kOk, "core_pattern is '" + pattern + "'", "", ""};
}

Finding CheckPtrace(const MachineView& machine) {
  const std::string scope = ReadText(machine.root / "proc/sys/kernel/yama/ptrace_scope");
  if (scope.empty()) {
    return {"ptrace", Severity::kNote, "the kernel has no Yama",
            "not-dumpable processes are still safe from their own user; those that are starting "
            "are not yet",
            "boot with lsm=...,yama"};
  }
  return scope == "0" ? Finding{"ptrace", Severity::kWarn, "ptrace_scope is 0",
                                "a process of the same user may read one of ours while it starts",
                                "sysctl kernel.yama.ptrace_scope=1"}
                      : Finding{"ptrace", Severity::kOk, "ptrace_scope is " + scope, "", ""};
}

Finding CheckKernel(const MachineView& machine) {
  const std::string release = ReadText(machine.root / "proc/sys/kernel/osrelease");
  int major = 0;
  int minor = 0;
  (void)std::sscanf(release.c_str(), "%d.%d", &major, &minor);
  const std::string found = "Linux " + release;
  if (major < 6 || (major == 6 && minor < 1)) {
    return {"kernel", Severity::kFail, found, "the sandbox is made for Linux 6.1 and later",
            "install Linux 6.1 or later"};
  }
  if (major == 6 && minor < 7) {
    return {"kernel", Severity::kNote, found,
            "landlock does not restrict TCP before 6.7; seccomp alone does",
            "install Linux 6.7 or later"};
  }
  return {"kernel", Severity::kOk, found, "", ""};
}

Finding CheckLandlock(const MachineView& machine) {
  return machine.landlock_abi < 1
             ? Finding{"landlock", Severity::kFail, "the kernel has no landlock",
                       "every process could open every file of its user",
                       "boot with landlock in lsm="}
             : Finding{"landlock", Severity::kOk, "ABI " + std::to_string(machine.landlock_abi), "",
                       ""};
}

Finding CheckSeccomp(const MachineView& machine) {
  return machine.has_seccomp_filter
             ? Finding{"seccomp", Severity::kOk, "system calls can be filtered", "", ""}
             : Finding{"seccomp", Severity::kFail, "system calls cannot be filtered",
                       "no process starts without its filter",
                       "a kernel with CONFIG_SECCOMP_FILTER"};
}

Finding CheckMemfdSecret(const MachineView& machine) {
  return machine.has_memfd_secret
             ? Finding{"memfd_secret", Severity::kOk, "there", "", ""}
             : Finding{"memfd_secret", Severity::kNote, "not there",
                       "keys lie in locked memory that the kernel itself can read",
                       "boot with secretmem.enable=1 (CONFIG_SECRETMEM)"};
}

Finding CheckInitOnFree(const MachineView& machine) {
  const std::string command_line = ReadText(machine.root / "proc/cmdline");
  return command_line.find("init_on_free=1") == std::string::npos
             ? Finding{"init_on_free", Severity::kWarn, "off",
                       "the kernel clears a dead process's pages only when it reuses them",
                       "init_on_free=1 in the kernel's command line"}
             : Finding{"init_on_free", Severity::kOk, "init_on_free=1", "", ""};
}

Finding CheckMemlock(const MachineView& machine) {
  const std::string found = machine.memlock_bytes == RLIM_INFINITY
                                ? "unlimited"
                                : std::to_string(machine.memlock_bytes / 1024) + " KiB";
  return machine.memlock_bytes < kWantedMemlock
             ? Finding{"locked memory", Severity::kFail, "RLIMIT_MEMLOCK is " + found,
                       "each process locks up to 8 MiB for its keys, and stops without them",
                       "LimitMEMLOCK=64M in the systemd unit, or memlock in limits.conf"}
             : Finding{"locked memory", Severity::kOk, "RLIMIT_MEMLOCK is " + found, "", ""};
}

// The processor's "hypervisor" bit (CPUID 1, ECX 31) is what a guest sees.
Finding CheckVirtualisation(const MachineView& machine) {
  const std::string processor = ReadText(machine.root / "proc/cpuinfo");
  const std::string product = ReadText(machine.root / "sys/class/dmi/id/product_name");
  const bool guest = processor.find(" hypervisor") != std::string::npos ||
                     fs::exists(machine.root / "sys/hypervisor/type");
  return guest
             ? Finding{"virtualisation", Severity::kNote,
                       "this is a virtual machine" + (product.empty() ? "" : " (" + product + ")"),
                       "whoever runs its host can read its memory, keys and prompts included",
                       "a machine of your own, or a confidential VM whose evidence you check"}
             : Finding{"virtualisation", Severity::kOk, "no hypervisor is seen", "", ""};
}

Finding CheckClock(const MachineView& machine) {
  const std::string found = FormatUtc(machine.unix_now);
  if (machine.unix_now < kEarliestClock || machine.unix_now > kLatestClock) {
    return {"clock", Severity::kFail, "the clock says " + found,
            "the log's entries and certificates carry its time", "timedatectl set-time"};
  }
  return machine.clock_synchronised
             ? Finding{"clock", Severity::kOk, found + ", synchronised", "", ""}
             : Finding{"clock", Severity::kWarn, found + ", not synchronised",
                       "entries of the log are only as true as the clock",
                       "timedatectl set-ntp true"};
}

}  // namespace

MachineView MachineView::OfThisMachine() {
  MachineView machine;
  machine.unix_now = UnixSeconds();
  struct rlimit limit{};
  (void)::getrlimit(RLIMIT_MEMLOCK, &limit);
  machine.memlock_bytes = limit.rlim_max;
  machine.landlock_abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kLandlockVersion);
  unsigned action = SECCOMP_RET_ERRNO;
  machine.has_seccomp_filter = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
  const long secret = ::syscall(SYS_memfd_secret, 0);
  machine.has_memfd_secret = secret >= 0;
  if (secret >= 0) {
    ::close(static_cast<int>(secret));
  }
  struct timex clock{};
  machine.clock_synchronised = ::adjtimex(&clock) != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
  return machine;
}

std::vector<Finding> CheckMachine(const MachineView& machine) {
  return {CheckSwap(machine),           CheckCorePattern(machine), CheckPtrace(machine),
          CheckKernel(machine),         CheckLandlock(machine),    CheckSeccomp(machine),
          CheckMemfdSecret(machine),    CheckInitOnFree(machine),  CheckMemlock(machine),
          CheckVirtualisation(machine), CheckClock(machine)};
}

}  // namespace casemate::app
