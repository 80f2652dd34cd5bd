#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace casemate::crypto {

// What an X.509 certificate (RFC 5280) says about itself; nothing of it is verified here.
struct CertificateFacts {
  std::string subject;          // RFC 2253
  std::string issuer;           // RFC 2253
  std::string public_key;       // "EC prime256v1", "RSA 2048", "ML-DSA-65"
  std::string signature;        // "ecdsa-with-SHA256"
  bool post_quantum = false;    // signed with ML-DSA or SLH-DSA
  std::int64_t not_before = 0;  // UNIX seconds
  std::int64_t not_after = 0;
  std::vector<std::string> dns_names;     // subject alternative names
  std::vector<std::string> ip_addresses;  // in text form
};
// Errors: kIntegrityFailure: not a certificate in DER.
[[nodiscard]] Result<CertificateFacts> ReadCertificate(ByteView certificate_der);

}  // namespace casemate::crypto
