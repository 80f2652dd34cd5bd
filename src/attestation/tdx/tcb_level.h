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
Standing EnclaveStanding(const EnclaveIdentity& identity, const EnclaveReport& enclave);

}  // namespace casemate::attestation::tdx
