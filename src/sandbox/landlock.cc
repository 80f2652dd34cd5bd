#include "sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "base/fd.h"

namespace casemate::sandbox {
namespace {

constexpr std::uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t kReadFolder = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWriteFile = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
constexpr std::uint64_t kWriteFolder =
    kWriteFile | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER;
// Device nodes are never made.
constexpr std::uint64_t kHandled = kReadFolder | kWriteFolder | LANDLOCK_ACCESS_FS_EXECUTE |
                                   LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;

std::uint64_t KnownTo(int abi, std::uint64_t access) {
  if (abi < 2) {
    access &= ~std::uint64_t{LANDLOCK_ACCESS_FS_REFER};
  }
  if (abi < 3) {
    access &= ~std::uint64_t{LANDLOCK_ACCESS_FS_TRUNCATE};
  }
  return access;
}

Result<void> Allow(int ruleset, const std::filesystem::path& path, std::uint64_t folder_access,
                   int abi) {
  const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat info{};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) {
    return FailErrno("sandbox path " + path.string());
  }
  // The kernel refuses rights that a file cannot have.
  const std::uint64_t access =
      S_ISDIR(info.st_mode) ? folder_access
                            : folder_access & (kReadFile | kWriteFile | LANDLOCK_ACCESS_FS_EXECUTE);
  const landlock_path_beneath_attr rule{.allowed_access = KnownTo(abi, access),
                                        .parent_fd = fd.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return FailErrno("landlock_add_rule " + path.string());
  }
  return {};
}

}  // namespace

int LandlockAbi() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

Result<std::vector<std::string>> EnterLandlock(const Rules& rules, int abi) {
  if (abi < 1) {
    return Fail(ErrorCode::kUnavailable,
                "this kernel has no landlock: boot with it among lsm=, Linux 6.1 or newer");
  }
  std::vector<std::string> degraded;
  const auto needs = [&](int least, const std::string& what) {
    if (abi < least) {
      degraded.push_back(what + " by landlock (ABI " + std::to_string(abi) + ", needs " +
                         std::to_string(least) + ")");
    }
    return abi >= least;
  };
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = KnownTo(abi, kHandled);
  (void)needs(3, "truncating files is not restricted");
  if (needs(4, "TCP is not restricted")) {
    attributes.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP;
    if (!rules.may_use_network || !rules.connect_ports.empty()) {
      attributes.handled_access_net |= LANDLOCK_ACCESS_NET_CONNECT_TCP;
    }
  }
  if (needs(6, "signals and abstract sockets are not restricted")) {
    attributes.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
  }
  // An older kernel takes a longer struct as long as what it does not know is zero.
  const UniqueFd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0)));
  if (!ruleset.valid()) {
    return FailErrno("landlock_create_ruleset");
  }
  const std::uint64_t execute = rules.may_exec ? LANDLOCK_ACCESS_FS_EXECUTE : 0;
  for (const std::filesystem::path& path : rules.read_only) {
    if (Result<void> allowed = Allow(ruleset.get(), path, kReadFolder | execute, abi); !allowed) {
      return std::unexpected(allowed.error());
    }
  }
  for (const std::filesystem::path& path : rules.read_write) {
    if (Result<void> allowed = Allow(ruleset.get(), path, kReadFolder | kWriteFolder, abi);
        !allowed) {
      return std::unexpected(allowed.error());
    }
  }
  if (abi >= 4 && rules.may_use_network) {
    for (const std::uint16_t port : rules.connect_ports) {
      const landlock_net_port_attr rule{.allowed_access = LANDLOCK_ACCESS_NET_CONNECT_TCP,
                                        .port = port};
      if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_NET_PORT, &rule, 0) != 0) {
        return FailErrno("landlock_add_rule for port " + std::to_string(port));
      }
    }
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return FailErrno("landlock_restrict_self");
  }
  return degraded;
}

}  // namespace casemate::sandbox
