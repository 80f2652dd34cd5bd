#pragma once

#include "base/error.h"

namespace casemate::sandbox {

// Gives up what a process needed to open something: as root it becomes nobody (65534) without any
// group; with file capabilities it drops them all, now and for whatever it might start. Where a
// user namespace has no nobody only the capabilities go. Call with one thread, before Enter.
// Errors: kUnavailable: the kernel refused; the caller must not go on.
[[nodiscard]] Result<void> DropPrivileges();

}  // namespace casemate::sandbox
