#pragma once

#include "base/error.h"
#include "sandbox/sandbox.h"

namespace casemate::sandbox {

// Loads the system call filter of `rules` for every thread. What is on no list fails with EPERM;
// what only an attack calls ends the process (SIGSYS). Errors: kUnavailable.
[[nodiscard]] Result<void> EnterFilter(const Rules& rules);

}  // namespace casemate::sandbox
