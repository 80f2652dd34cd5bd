#include "secmem/harden.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

namespace casemate {
namespace {

// HardenProcess cannot be undone: each check runs in a child and says by its exit status which of
// its steps failed.
template <typename Body>
int InChild(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(body());
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) {
    return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(HardenProcessTest, ClosesEveryWayOutOfTheProcess) {
  EXPECT_EQ(
      InChild([] {
        if (!HardenProcess(true)) {
          return 1;
        }
        if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) {
          return 2;
        }
        rlimit core{};
        if (::getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) {
          return 3;
        }
        if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
          return 4;
        }
        int death_signal = 0;
        if (::prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0) != 0 || death_signal != SIGKILL) {
          return 5;
        }
        if (std::signal(SIGPIPE, SIG_IGN) != SIG_IGN) {
          return 6;
        }
        if (::umask(0) != 077) {
          return 7;
        }
        const char* no_backtrace = std::getenv("GGML_NO_BACKTRACE");
        return no_backtrace != nullptr && std::string(no_backtrace) == "1" ? 0 : 8;
      }),
      0);
}

TEST(HardenProcessTest, OutlivesItsParentOnlyWhenAsked) {
  EXPECT_EQ(
      InChild([] {
        if (!HardenProcess(false)) {
          return 1;
        }
        int death_signal = -1;
        return ::prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0) == 0 && death_signal == 0 ? 0 : 2;
      }),
      0);
}

void ThrowContent() { throw std::runtime_error("the patient's name"); }

TEST(HardenProcessTest, UncaughtExceptionDoesNotPrintItsText) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::dup2(pipe_fds[1], STDERR_FILENO);
    ::signal(SIGABRT, SIG_DFL);
    if (!HardenProcess(false)) {
      ::_exit(1);
    }
    [] noexcept { ThrowContent(); }();
    ::_exit(0);
  }
  ::close(pipe_fds[1]);
  std::string printed;
  char part[256];
  for (ssize_t got = 0; (got = ::read(pipe_fds[0], part, sizeof(part))) > 0;) {
    printed.append(part, static_cast<std::size_t>(got));
  }
  ::close(pipe_fds[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_NE(printed.find("nobody caught"), std::string::npos) << printed;
  EXPECT_EQ(printed.find("patient"), std::string::npos);
}

}  // namespace
}  // namespace casemate
