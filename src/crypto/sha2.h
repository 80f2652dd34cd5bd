#pragma once

#include "base/bytes.h"

namespace casemate::crypto {

enum class HashAlgorithm : unsigned char { kSha256, kSha384, kSha512 };

// FIPS 180-4: 32, 48 or 64 bytes.
Bytes Hash(HashAlgorithm algorithm, ByteView data);

}  // namespace casemate::crypto
