#pragma once

#include <filesystem>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::app {

// The hop table of the server that runs on a deployment, as JSON (docs/flows.md, "Your own hops").
// Errors: kUnavailable: no server, or one without a table; kPermissionDenied.
[[nodiscard]] Result<Plaintext> FetchHops(const std::filesystem::path& deployment);

}  // namespace casemate::app
