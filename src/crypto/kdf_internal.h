#pragma once

#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/kdf.h"

namespace casemate::crypto::internal {

// HKDF-Expand with SHA-512, at most 128 bytes of output, into memory of the caller's.
[[nodiscard]] Result<void> HkdfExpandInto(KeyView key, ByteView info, std::span<std::byte> out);

// Argon2id with all of RFC 9106's inputs, unchecked: kdf.h offers what we use, tests need the rest.
[[nodiscard]] Result<void> Argon2idInto(ByteView passphrase, ByteView salt, ByteView secret,
                                        ByteView associated_data, const Argon2Parameters& p,
                                        std::span<std::byte> out);

}  // namespace casemate::crypto::internal
