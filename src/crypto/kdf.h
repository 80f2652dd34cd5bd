#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "secmem/key.h"
#include "secmem/secret_buffer.h"

namespace casemate::crypto {

// HKDF with SHA-512 (RFC 5869). `length` at most 255 * 64 bytes. An empty salt is 64 zero bytes.
[[nodiscard]] Result<SecretBuffer> HkdfSha512(ByteView input_key, ByteView salt, ByteView info,
                                              std::size_t length);
// HKDF-Expand alone, of a 32-byte uniform key, to a 32-byte key.
[[nodiscard]] Result<Key> HkdfExpandKey(KeyView key, ByteView info);

// Argon2id (RFC 9106), version 0x13.
struct Argon2Parameters {
  std::uint32_t memory_kib = 256 * 1024;  // 8 to 4,194,304
  std::uint32_t passes = 3;               // 1 to 64
  std::uint32_t lanes = 1;                // 1 to 16; computed one after the other
};
// Errors: kInvalidArgument: parameters out of range or a salt under 16 bytes. kResourceExhausted.
[[nodiscard]] Result<Key> Argon2id(ByteView passphrase, ByteView salt, const Argon2Parameters& p);

}  // namespace casemate::crypto
