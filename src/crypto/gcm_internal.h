#pragma once

#include "crypto/aead.h"
#include "crypto/openssl_internal.h"

namespace casemate::crypto::internal {

// One AES-256-GCM key, expanded once for many nonces. The schedule lies in OpenSSL's heap and is
// wiped when freed. Threads: one at a time.
class Gcm {
 public:
  enum class Direction : unsigned char { kSeal, kOpen };
  Gcm(std::span<const std::byte, 32> key, Direction direction);

  // Writes plaintext.size() + kGcmTagSize bytes to `out`, which does not overlap.
  void Seal(GcmNonce nonce, ByteView aad, ByteView plaintext, std::span<std::byte> out);
  // The same in pieces: Begin, Continue (writes as many bytes as it gets) any number of times, End.
  void BeginSeal(GcmNonce nonce);
  void ContinueSeal(ByteView plaintext, std::span<std::byte> out);
  void EndSeal(std::span<std::byte, kGcmTagSize> tag);

  // Writes sealed.size() - kGcmTagSize bytes; the caller has checked that there is a tag. False:
  // does not verify; `out` is zeroed then.
  [[nodiscard]] bool Open(GcmNonce nonce, ByteView aad, ByteView sealed, std::span<std::byte> out);

 private:
  CipherContext context_;
};

}  // namespace casemate::crypto::internal
