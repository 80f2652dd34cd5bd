#pragma once

#include <filesystem>

#include "base/error.h"
#include "crypto/hash.h"

namespace casemate::app {

// The SHA-256 of connect's own bearer token, "cc-" and 52 base32 digits, which stands in `path`: a
// file of ours alone (0600), made here with a new random token when it is absent or `renew`, and
// kept otherwise, so that clients need to be told once. Errors: kPermissionDenied: the file is
// somebody else's or others may read it; kInvalidArgument: it holds something else.
[[nodiscard]] Result<crypto::Digest> TokenDigest(const std::filesystem::path& path, bool renew);

}  // namespace casemate::app
