#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/fd.h"

// Starting one child process.
namespace casemate::app {

struct StartedProcess {
  pid_t pid = -1;
  UniqueFd channel;  // our end of the pair whose other end is the child's descriptor 3
};

// Forks and executes `executable` with no arguments, /dev/null as standard input, the supervisor's
// standard output and error, descriptor 3, no other, and the few environment variables that a child
// may know. It dies with the calling thread: call it from the one thread that lives as long as the
// process. Errors: kNotFound: no such executable; kResourceExhausted.
[[nodiscard]] Result<StartedProcess> StartProcess(const std::filesystem::path& executable);

// "exit status 3", "signal 11 (SEGV)", "signal 31 (SYS), a system call that its sandbox refuses".
std::string DescribeStatus(int wait_status);

}  // namespace casemate::app
