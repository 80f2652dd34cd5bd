#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "secmem/key.h"

namespace casemate::crypto {

enum class SignatureAlgorithm : unsigned char {
  kEd25519 = 1,  // RFC 8032: public key 32 bytes, signature 64
  kMlDsa44 = 2,  // FIPS 204: public key 1312 bytes, signature 2420
};

// A signing key made from a 32-byte seed that stays in the key tree. Threads: Sign may run at the
// same time on one object.
class SigningKey {
 public:
  [[nodiscard]] static Result<SigningKey> FromSeed(SignatureAlgorithm algorithm, KeyView seed);
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  ~SigningKey();

  SignatureAlgorithm algorithm() const;
  const Bytes& public_key() const;  // raw
  [[nodiscard]] Result<Bytes> Sign(ByteView message) const;

 private:
  struct State;
  explicit SigningKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Errors: kIntegrityFailure: does not verify. kInvalidArgument: not a key of that algorithm.
[[nodiscard]] Result<void> Verify(SignatureAlgorithm algorithm, ByteView public_key,
                                  ByteView message, ByteView signature);

}  // namespace casemate::crypto
