#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/ecdsa.h"

// For tests: keys and certificates as attestation needs them, made at run time. No product links
// it.
namespace casemate::crypto {

class TestKey {
 public:
  static TestKey Ec(EcCurve curve);
  static TestKey Rsa();  // 2048 bits: quick to make
  Bytes point() const;   // 0x04 || x || y
  // r || s, big-endian.
  Bytes Sign(EcCurve curve, HashAlgorithm hash, ByteView message) const;
  struct State;
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

struct TestExtension {
  std::string oid;
  Bytes content;  // of the OCTET STRING
  bool critical = false;
};

struct TestCertificate {
  std::string common_name;
  std::int64_t serial = 7;
  bool authority = false;
  std::int64_t not_before = 0;  // UNIX seconds
  std::int64_t not_after = 0;
  std::vector<TestExtension> extensions;
};

// DER. Signed by `issuer_key` in the name `issuer_name`; an RSA key signs with PSS, SHA-384,
// salt 48.
Bytes IssueTestCertificate(const TestCertificate& certificate, const TestKey& key,
                           const std::string& issuer_name, const TestKey& issuer_key);

// DER, SHA-384 with ECDSA, or RSASSA-PSS as AMD signs.
Bytes IssueTestCrl(const std::string& issuer_name, const TestKey& issuer_key,
                   std::int64_t this_update, std::int64_t next_update,
                   const std::vector<std::int64_t>& serials);

struct TestOcsp {
  Bytes certificate;  // DER: of which it speaks
  Bytes issuer;       // DER
  bool revoked = false;
  std::int64_t this_update = 0;  // UNIX seconds
  std::int64_t next_update = 0;
};
// DER. Signed by `responder_key` with the certificate `responder` (DER), which stands in the
// response.
Bytes IssueTestOcsp(const TestOcsp& ocsp, const Bytes& responder, const TestKey& responder_key);

}  // namespace casemate::crypto
