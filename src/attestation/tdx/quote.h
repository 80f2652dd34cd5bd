#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

// Quotes of Intel's DCAP: "TDX DCAP Quoting Library API" (versions 4 and 5) and "SGX ECDSA Quote
// Library API" (version 3). Integers little-endian, ECDSA values raw and big-endian.
namespace casemate::attestation::tdx {

inline constexpr std::size_t kEnclaveReportBytes = 384;
inline constexpr std::size_t kTd10Bytes = 584;
inline constexpr std::size_t kTd15Bytes = 648;

// REPORT_BODY of an SGX enclave: the quoting enclave's, or in an SGX quote the enclave's own.
struct EnclaveReport {
  Bytes raw;
  Bytes cpu_svn;
  Bytes misc_select;  // 4
  Bytes attributes;   // 16
  Bytes mr_enclave;
  Bytes mr_signer;
  unsigned isv_prod_id = 0;
  unsigned isv_svn = 0;
  Bytes report_data;
};

struct TdReport {
  Bytes tee_tcb_svn;  // 16: [0] the module's SVN, [1] its major version
  Bytes mr_seam, mr_signer_seam, seam_attributes;
  std::uint64_t td_attributes = 0;
  Bytes xfam, mr_td, mr_config_id, mr_owner, mr_owner_config;
  std::array<Bytes, 4> rtmr;
  Bytes report_data;
  Bytes tee_tcb_svn_2;  // TD 1.5: of the module that runs now; else empty
  Bytes mr_service_td;  // TD 1.5
};

struct Quote {
  unsigned version = 0;
  std::optional<TdReport> td;            // TDX
  std::optional<EnclaveReport> enclave;  // SGX
  Bytes user_data;
  Bytes signed_part;      // header, descriptor and body
  Bytes signature;        // 64
  Bytes attestation_key;  // x || y, 64
  EnclaveReport qe;
  Bytes qe_signature;  // 64
  Bytes qe_auth_data;
  std::string pck_chain;     // PEM
  std::size_t padding = 0;   // zero bytes behind
  std::size_t trailing = 0;  // other bytes behind, which nothing signs
};

// Errors: kInvalidArgument: names the structure that does not fit.
[[nodiscard]] Result<Quote> ParseQuote(ByteView raw);

}  // namespace casemate::attestation::tdx
