#pragma once

#include "base/error.h"

namespace casemate {

// What every process does first: no core dump and no ptrace (PR_SET_DUMPABLE 0, RLIMIT_CORE 0), no
// new privileges, dies with its parent (PR_SET_PDEATHSIG SIGKILL, when `die_with_parent`), SIGPIPE
// ignored, GGML's and glibc's back-traces off, umask 077. Errors: kUnavailable: the kernel refused
// one; the caller must not go on.
[[nodiscard]] Result<void> HardenProcess(bool die_with_parent);

}  // namespace casemate
