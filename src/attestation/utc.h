#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace casemate::attestation {

// UNIX seconds of "2026-11-22" (its beginning) or "2026-11-22T17:40:41Z". Errors: kInvalidArgument.
[[nodiscard]] Result<std::int64_t> ParseUtc(std::string_view text);

}  // namespace casemate::attestation
