#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "secmem/secret_buffer.h"

// X.509 certificates of the local CA (RFC 5280), ECDSA P-256, with the key usage, basic
// constraints, subject and authority key identifiers that strict verifiers ask for.
namespace casemate::crypto {

struct CertifiedKey {
  SecretBuffer private_key_der;  // PKCS#8
  Bytes certificate_der;
};

struct LeafRequest {
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;  // text form
  std::chrono::days lifetime{825};
  const SecretBuffer* private_key_der = nullptr;  // certify this key (PKCS#8); nullptr: a fresh one
};

[[nodiscard]] Result<CertifiedKey> MakeCertificateAuthority(const std::string& common_name,
                                                            std::chrono::days lifetime);
[[nodiscard]] Result<CertifiedKey> IssueServerCertificate(const CertifiedKey& authority,
                                                          const LeafRequest& request);
std::string CertificateToPem(ByteView certificate_der);
[[nodiscard]] Result<Bytes> CertificateFromPem(const std::string& pem);  // the first in the text

}  // namespace casemate::crypto
