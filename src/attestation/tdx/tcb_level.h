#pragma once

#include "attestation/tdx/collateral.h"
#include "attestation/tdx/pck.h"
#include "attestation/tdx/quote.h"

// Where a platform, a module and a quoting enclave stand in Intel's collateral: "Intel TDX DCAP
// Quoting Library API", section on TCB status, and the PCS documentation of TCB info and enclave
// identity.
namespace casemate::attestation::tdx {

struct Standing {
  TcbStatus status = TcbStatus::kUnknown;
  std::string date;
  std::vector<std::string> advisories;
  std::string reason;  // what was compared; for a failure, what differs
  bool found = false;  // a level matched
};

// The first level that the PCK's numbers (and with `td` the TD's) reach.
Standing PlatformStanding(const TcbInfo& info, const Pck& pck, const Bytes* tee_tcb_svn);
// By SVN and, from module version 1.5 on, by its own identity.
Standing ModuleStanding(const TcbInfo& info, const TdReport& td, const Bytes& tee_tcb_svn);
// What the parts of a TDX platform were found to be.
struct TdxStatuses {
  TcbStatus sgx = TcbStatus::kUnknown;       // of the PCK's numbers alone
  TcbStatus platform = TcbStatus::kUnknown;  // of the PCK's and the TD's
  TcbStatus module = TcbStatus::kUnknown;    // that started the TD
  TcbStatus enclave = TcbStatus::kUnknown;   // the quoting enclave
};
// The worst of platform, module and enclave; for a TD that an old module started, and that a
// current one runs now (TEE_TCB_SVN_2, of TD reports 1.5), the word that a relaunch is advised
// instead. As Intel's Quote Verification Library has it (checks TcbLevelCheck and TDRelaunchCheck).
TcbStatus Converge(const TcbInfo& info, const TdReport& td, const TdxStatuses& statuses);
Standing EnclaveStanding(const EnclaveIdentity& identity, const EnclaveReport& enclave);

}  // namespace casemate::attestation::tdx
