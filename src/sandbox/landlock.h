#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "sandbox/sandbox.h"

// The Landlock part of Enter, apart so that tests can mask what a newer kernel has.
namespace casemate::sandbox {

// The ABI of this kernel, 0 without Landlock.
int LandlockAbi();

// Restricts this thread to the files of `rules`, with the rights that ABI `abi` knows (at most the
// kernel's). Returns what that ABI cannot do. Errors: kUnavailable: abi is 0 or the kernel refused;
// kNotFound: a path does not exist.
[[nodiscard]] Result<std::vector<std::string>> EnterLandlock(const Rules& rules, int abi);

}  // namespace casemate::sandbox
