#pragma once

#include "base/error.h"

namespace casemate::crypto {

// Gives OpenSSL an allocator that wipes what it frees, and keeps it from reading a configuration
// file: which algorithms there are is decided by this source. Every executable calls it first,
// before anything that may use OpenSSL; calling it again changes nothing. Errors: kUnavailable:
// OpenSSL has allocated already, so that its buffers could leave secrets behind; do not go on.
[[nodiscard]] Result<void> InitCrypto();

}  // namespace casemate::crypto
