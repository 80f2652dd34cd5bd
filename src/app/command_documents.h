#pragma once

#include <filesystem>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::app {

// A document's content, to be uploaded. Errors: kNotFound, kPermissionDenied; kTooLarge: over 512
// MiB.
[[nodiscard]] Result<Plaintext> ReadDocument(const std::filesystem::path& path);

}  // namespace casemate::app
