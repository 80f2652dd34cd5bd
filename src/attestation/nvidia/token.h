#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

// A JSON Web Token in compact form (RFC 7519, RFC 7515 section 3.1), as NVIDIA's verifier service
// signs them.
namespace casemate::attestation::nvidia {

inline constexpr std::size_t kMaxTokenBytes = std::size_t{128} * 1024;

struct SignedToken {
  std::string algorithm;  // as the header says: "ES384", "none", ...
  std::string kid;        // or empty
  std::string text;       // all three parts, as they came
  Bytes signed_part;      // header and payload as they came
  Bytes payload;          // JSON
  Bytes signature;        // r || s for ES384
};

// Three parts of base64url, the first a JSON object with "alg". Verifies nothing. Errors:
// kInvalidArgument: names the part; also a header with "crit", which asks for what is not known
// here. kTooLarge.
[[nodiscard]] Result<SignedToken> ParseToken(std::string_view compact);

}  // namespace casemate::attestation::nvidia
