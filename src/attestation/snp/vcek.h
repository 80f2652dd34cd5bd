#pragma once

#include <optional>
#include <string>

#include "attestation/snp/report.h"
#include "crypto/x509_chain.h"

// What AMD writes into a VCEK or VLEK certificate: publication 57230, "VCEK Certificate and KDS
// Interface Specification", table of extensions below 1.3.6.1.4.1.3704.1.
namespace casemate::attestation::snp {

struct Vcek {
  std::string product;  // "Milan-B0", "Genoa", "Turin"
  TcbVersion tcb;
  bool has_fmc = false;
  std::optional<Bytes> hardware_id;  // 64 bytes, 8 on Turin; a VLEK has none
  std::string csp_id;                // VLEK: to whom AMD handed the key
};

// Nothing when it has none of these extensions. Errors: kInvalidArgument: has them, malformed.
[[nodiscard]] Result<std::optional<Vcek>> ReadVcek(const crypto::X509Certificate& certificate);

}  // namespace casemate::attestation::snp
