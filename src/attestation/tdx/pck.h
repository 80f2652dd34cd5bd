#pragma once

#include <array>
#include <string>

#include "crypto/x509_chain.h"

// What Intel writes into a PCK certificate: "Intel SGX PCK Certificate and CRL Profile
// Specification", extension 1.2.840.113741.1.13.1.
namespace casemate::attestation::tdx {

struct Pck {
  std::array<unsigned, 16> component_svn{};
  unsigned pce_svn = 0;
  Bytes cpu_svn;  // 16
  Bytes pce_id;   // 2
  Bytes fmspc;    // 6: family, model, stepping, platform, custom SKU
  Bytes ppid;     // 16: names the machine
  bool smt_known = false;
  bool smt = false;
};

// Errors: kInvalidArgument: no such extension, or one that lacks a field.
[[nodiscard]] Result<Pck> ReadPck(const crypto::X509Certificate& certificate);

}  // namespace casemate::attestation::tdx
