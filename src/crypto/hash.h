#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "secmem/key.h"
#include "secmem/plaintext.h"

namespace casemate::crypto {

using Digest = std::array<std::byte, 32>;  // SHA-256 (FIPS 180-4)

Digest Sha256(ByteView data);
// The digest of a || b, without copying them together.
Digest Sha256(ByteView a, ByteView b);

// SHA-256 over parts. Threads: one at a time.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  void Update(ByteView part);
  Digest Finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// HMAC-SHA-256 (RFC 2104, FIPS 198-1).
Digest HmacSha256(KeyView key, ByteView data);

// Compares in time that depends on the sizes only.
[[nodiscard]] bool EqualConstantTime(ByteView a, ByteView b);

// Fills from the kernel's random source (getrandom(2)); ends the process if that fails.
void FillRandom(std::span<std::byte> out);
template <typename IdType>
IdType RandomId() {
  typename IdType::Array bytes;
  FillRandom(bytes);
  return IdType(bytes);
}

}  // namespace casemate::crypto
