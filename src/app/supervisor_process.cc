#include "app/supervisor_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/log_settings.h"
#include "ipc/channel.h"
#include "ipc/supervision.h"

namespace casemate::app {
namespace {

// Everything else of our environment stays here: it may hold what a room or parser must not know.
constexpr const char* kPassedOn[] = {
    "LANG", "LC_ALL", "TZ", "SOFTHSM2_CONF", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"};

// A step of a model has some hundred barriers, microseconds apart: a room's threads wait for each
// other awake, asleep they would take almost twice as long. 30,000 turns are about 0.3 ms: after
// the step they sleep soon, for the cores are other rooms' then (libgomp reads this when it is
// loaded). Every symbol is bound at start: the loader that binds one later saves the vector
// registers on the stack, where what memcpy(3) moved last would stay.
constexpr const char* kSet[] = {"PATH=/usr/bin:/bin", "GOMP_SPINCOUNT=30000", "LD_BIND_NOW=1"};

std::vector<std::string> Environment() {
  std::vector<std::string> variables(std::begin(kSet), std::end(kSet));
  variables.push_back(LogEnvironment());
  for (const char* name : kPassedOn) {
    if (const char* value = std::getenv(name); value != nullptr) {
      variables.push_back(std::string(name) + "=" + value);
    }
  }
  return variables;
}

// Between fork and exec.
[[noreturn]] void BecomeChild(const char* path, char* const* environment, int channel,
                              pid_t supervisor) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::getppid() != supervisor) {
    ::_exit(127);  // it died before it could be told to end us
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int empty = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (empty < 0 || ::dup2(empty, STDIN_FILENO) < 0) {
    ::_exit(127);
  }
  // dup2 onto itself would leave close-on-exec set.
  if (channel == ipc::kSupervisorFd ? ::fcntl(channel, F_SETFD, 0) != 0
                                    : ::dup2(channel, ipc::kSupervisorFd) < 0) {
    ::_exit(127);
  }
  ::syscall(SYS_close_range, static_cast<unsigned>(ipc::kSupervisorFd) + 1, ~0U, 0);
  char* const arguments[] = {const_cast<char*>(path), nullptr};
  ::execve(path, arguments, environment);
  ::_exit(127);
}

}  // namespace

Result<StartedProcess> StartProcess(const std::filesystem::path& executable) {
  if (::access(executable.c_str(), X_OK) != 0) {
    return FailErrno("executable " + executable.string());
  }
  Result<std::pair<UniqueFd, UniqueFd>> ends = ipc::Channel::MakePair();
  if (!ends) {
    return std::unexpected(ends.error());
  }
  std::vector<std::string> variables = Environment();
  std::vector<char*> environment;
  environment.reserve(variables.size() + 1);
  for (std::string& variable : variables) {
    environment.push_back(variable.data());
  }
  environment.push_back(nullptr);
  const pid_t supervisor = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    return FailErrno("fork");
  }
  if (pid == 0) {
    BecomeChild(executable.c_str(), environment.data(), ends->second.get(), supervisor);
  }
  return StartedProcess{pid, std::move(ends->first)};
}

std::string DescribeStatus(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int number = WTERMSIG(wait_status);
    const char* name = ::sigabbrev_np(number);
    return "signal " + std::to_string(number) + " (" + (name == nullptr ? "?" : name) + ")" +
           (number == SIGSYS ? ", a system call that its sandbox refuses" : "");
  }
  return "exit status " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace casemate::app
