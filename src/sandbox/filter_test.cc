#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstdlib>
#include <thread>

#include "sandbox/child_process.h"
#include "sandbox/sandbox.h"

namespace casemate::sandbox {
namespace {

// What `attempt` returns inside; 100: the sandbox could not be entered.
int Inside(const Rules& rules, const std::function<int()>& attempt) {
  return RunInChild([&] { return Enter(rules) ? attempt() : 100; });
}

bool KilledBySystemCall(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS; }

int Socket(int family) { return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : errno; }

int Fork() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(0);
  }
  return child > 0 ? 0 : errno;
}

TEST(FilterTest, NoSocketIsMadeWithoutNetwork) {
  EXPECT_TRUE(ExitedWith(Inside({}, [] { return Socket(AF_INET); }), EPERM));
  EXPECT_TRUE(ExitedWith(Inside({}, [] { return Socket(AF_INET6); }), EPERM));
  EXPECT_TRUE(ExitedWith(Inside({}, [] { return Socket(AF_UNIX); }), EPERM));
  EXPECT_TRUE(ExitedWith(Inside({}, [] { return Socket(AF_NETLINK); }), EPERM));
}

TEST(FilterTest, TheFrontMayUseInternetSocketsAndNoOthers) {
  const Rules rules{.may_use_network = true};
  EXPECT_TRUE(ExitedWith(Inside(rules, [] { return Socket(AF_INET); }), 0));
  EXPECT_TRUE(ExitedWith(Inside(rules, [] { return Socket(AF_PACKET); }), EPERM));
}

TEST(FilterTest, ExecuteEndsTheProcess) {
  EXPECT_TRUE(KilledBySystemCall(
      Inside({.read_only = {"/"}}, [] { return ::execl("/bin/true", "true", nullptr); })));
}

TEST(FilterTest, PtraceEndsTheProcess) {
  EXPECT_TRUE(KilledBySystemCall(
      Inside({}, [] { return static_cast<int>(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); })));
}

TEST(FilterTest, ReadingAnotherProcessEndsTheProcess) {
  EXPECT_TRUE(KilledBySystemCall(Inside({}, [] {
    return static_cast<int>(
        ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0));
  })));
}

TEST(FilterTest, TheSupervisorCannotTraceEither) {
  EXPECT_TRUE(KilledBySystemCall(Inside({.may_exec = true}, [] {
    return static_cast<int>(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
  })));
}

TEST(FilterTest, ForkIsRefused) { EXPECT_TRUE(ExitedWith(Inside({}, Fork), EPERM)); }

TEST(FilterTest, ThreadsAreMadeWhereTheyMay) {
  const auto thread = [] {
    try {
      std::thread([] {}).join();
      return 0;
    } catch (const std::system_error&) {
      return 1;
    }
  };
  EXPECT_TRUE(ExitedWith(Inside({}, thread), 0));
  EXPECT_TRUE(ExitedWith(Inside({.may_make_threads = false}, thread), 1));
}

TEST(FilterTest, SignalsGoToItselfOnly) {
  EXPECT_TRUE(
      ExitedWith(Inside({}, [] { return ::kill(::getppid(), 0) == 0 ? 0 : errno; }), EPERM));
  const int aborted = Inside({}, [] {
    std::abort();
    return 0;
  });
  EXPECT_TRUE(WIFSIGNALED(aborted) && WTERMSIG(aborted) == SIGABRT);
}

TEST(FilterTest, TerminalInputCannotBeForged) {
  EXPECT_TRUE(ExitedWith(Inside({},
                                [] {
                                  char c = 'x';
                                  return ::ioctl(0, TIOCSTI, &c) == 0 ? 0 : errno;
                                }),
                         EPERM));
}

TEST(FilterTest, TheSandboxCannotBeEnteredAgainWithMore) {
  EXPECT_TRUE(ExitedWith(Inside({}, [] { return Enter({.may_exec = true}) ? 0 : 1; }), 1));
}

TEST(FilterTest, MemoryOverTheLimitIsRefused) {
  EXPECT_TRUE(ExitedWith(Inside({.max_memory_bytes = 256UL << 20},
                                [] {
                                  void* pages = ::mmap(nullptr, 1UL << 30, PROT_READ,
                                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                                  return pages == MAP_FAILED ? errno : 0;
                                }),
                         ENOMEM));
}

TEST(FilterTest, WhatProcessesNeedWorks) {
  EXPECT_TRUE(ExitedWith(
      Inside({},
             [] {
               int ends[2];
               const int memfd = ::memfd_create("t", MFD_CLOEXEC);
               return ::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0 &&
                              ::write(ends[0], "x", 1) == 1 && ::ftruncate(memfd, 4096) == 0 &&
                              ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, memfd, 0) != MAP_FAILED
                          ? 0
                          : 1;
             }),
      0));
}

TEST(FilterTest, TheSupervisorStartsChildrenThatSandboxThemselves) {
  EXPECT_TRUE(ExitedWith(
      Inside({.read_only = {"/"}, .may_exec = true},
             [] {
               if (!ExitedWith(RunInChild([] { return ::execl("/bin/true", "true", nullptr); }),
                               0)) {
                 return 1;
               }
               if (!ExitedWith(Inside({}, [] { return Socket(AF_UNIX); }), EPERM)) {
                 return 2;
               }
               return Socket(AF_INET) == EPERM ? 0 : 3;
             }),
      0));
}

}  // namespace
}  // namespace casemate::sandbox
