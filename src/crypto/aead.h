#pragma once

#include <cstddef>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "secmem/key.h"
#include "secmem/plaintext.h"

// AES-256-GCM (NIST SP 800-38D) as it stands: 96-bit nonce, 128-bit tag after the ciphertext. For
// formats that fix the nonce; objects are sealed with seal.h, which needs no nonce and commits to
// the key.
namespace casemate::crypto {

inline constexpr std::size_t kGcmNonceSize = 12;
inline constexpr std::size_t kGcmTagSize = 16;
using GcmNonce = std::span<const std::byte, kGcmNonceSize>;

// Returns ciphertext || tag. `nonce` must never repeat for a key. Errors: kTooLarge: over 2^31 - 1
// bytes of plaintext or aad.
[[nodiscard]] Result<Bytes> Aes256GcmSeal(KeyView key, GcmNonce nonce, ByteView aad,
                                          PlaintextView plaintext);
// Errors: kIntegrityFailure: does not verify, or is shorter than a tag. kTooLarge.
[[nodiscard]] Result<Plaintext> Aes256GcmOpen(KeyView key, GcmNonce nonce, ByteView aad,
                                              ByteView sealed);

}  // namespace casemate::crypto
