#include "sandbox/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace casemate::sandbox {
namespace {

constexpr unsigned kNobody = 65534;

// The bounding set: what an executable with file capabilities could bring back. Needs CAP_SETPCAP;
// without it PR_SET_NO_NEW_PRIVS does the same work.
void EmptyBoundingSet() {
  for (int capability = 0; capability <= 63; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return;
    }
  }
}

Result<void> BecomeNobody() {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
      ::setresuid(kNobody, kNobody, kNobody) != 0) {
    // EINVAL, EPERM: a user namespace with one id; root there is nobody outside.
    return errno == EINVAL || errno == EPERM ? Result<void>{} : FailErrno("giving up root");
  }
  if (::setuid(0) == 0) {
    return Fail(ErrorCode::kUnavailable, "root could be taken back after it was given up");
  }
  return {};
}

Result<void> DropCapabilities() {
  __user_cap_header_struct head{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const std::array<__user_cap_data_struct, 2> none{};
  if (::syscall(SYS_capset, &head, none.data()) != 0) {
    return FailErrno("capset");
  }
  return {};
}

}  // namespace

Result<void> DropPrivileges() {
  EmptyBoundingSet();
  if (::geteuid() == 0) {
    if (Result<void> nobody = BecomeNobody(); !nobody) {
      return nobody;
    }
  }
  if (Result<void> dropped = DropCapabilities(); !dropped) {
    return dropped;
  }
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? Result<void>{}
                                                       : FailErrno("PR_SET_NO_NEW_PRIVS");
}

}  // namespace casemate::sandbox
