#include "secmem/harden.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>

namespace casemate {
namespace {

// libstdc++'s own handler prints what() of the exception, and a library may have put content there.
[[noreturn]] void TerminateSilently() {
  constexpr char kLine[] = "terminated by an exception that nobody caught\n";
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, kLine, sizeof(kLine) - 1);
  std::abort();
}

}  // namespace

Result<void> HardenProcess(bool die_with_parent) {
  // A process that is not dumpable writes no core, even where core_pattern is a pipe and the limit
  // is not looked at, and only CAP_SYS_PTRACE attaches to it (prctl(2), ptrace(2)).
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return FailErrno("prctl(PR_SET_DUMPABLE)");
  }
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) {
    return FailErrno("setrlimit(RLIMIT_CORE)");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return FailErrno("prctl(PR_SET_NO_NEW_PRIVS)");
  }
  // A parent that died before this call is noticed by its channel, which reads as closed.
  if (die_with_parent && ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
    return FailErrno("prctl(PR_SET_PDEATHSIG)");
  }
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
    return FailErrno("signal(SIGPIPE)");
  }
  // ggml_print_backtrace starts a debugger on itself unless this is set; abort goes on without.
  if (::setenv("GGML_NO_BACKTRACE", "1", 1) != 0) {
    return FailErrno("setenv(GGML_NO_BACKTRACE)");
  }
  std::set_terminate(TerminateSilently);
  ::umask(077);
  return {};
}

}  // namespace casemate
