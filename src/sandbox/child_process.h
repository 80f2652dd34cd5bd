#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

// For tests: a sandbox is entered for good, so each test enters it in a child of its own.
namespace casemate::sandbox {

// Runs `body` in a forked child and returns its wait status; the child exits with what `body`
// returns.
inline int RunInChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(body());
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

inline bool ExitedWith(int status, int code) {
  return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

}  // namespace casemate::sandbox
