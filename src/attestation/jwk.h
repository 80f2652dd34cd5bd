#pragma once

#include <string>
#include <vector>

#include "attestation/context.h"
#include "base/bytes.h"
#include "base/error.h"
#include "crypto/ecdsa.h"

// Public keys as JSON: JSON Web Keys (RFC 7517, RFC 7518 section 6.2) of type EC.
namespace casemate::attestation {

struct EcPublicKey {
  crypto::EcCurve curve = crypto::EcCurve::kP384;
  Bytes point;  // x || y
};

struct JsonWebKey {
  EcPublicKey key;
  std::string file;         // where it stood
  std::string kid;          // or empty
  Bytes implementation_id;  // of Veraison's list; empty: of any platform
  Bytes instance_id;
};

// The keys of a file: one key, a list, a set ({"keys": [...]}), or Veraison's list ({"pkey": ...}
// with the platform's ids). A key without coordinates is that of its certificate (x5c), whose
// issuer is not looked at. What cannot be read is left out and named in `warnings`. At most 256.
std::vector<JsonWebKey> ReadKeys(const Companion& file, std::vector<std::string>& warnings);

// RFC 4648 section 5, without padding. Errors: kInvalidArgument: anything that an encoder would not
// write.
[[nodiscard]] Result<Bytes> FromBase64Url(std::string_view text);

}  // namespace casemate::attestation
