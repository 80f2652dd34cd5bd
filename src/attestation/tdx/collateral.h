#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

// TCB info (version 3) and enclave identity (version 2) of Intel's provisioning certification
// service, in JSON, signed over the exact bytes of the member's value.
namespace casemate::attestation::tdx {

// Intel's words, from good to bad. `kUnknown`: a word that is not known here, worse than any.
enum class TcbStatus : unsigned char {
  kUpToDate,
  kSwHardeningNeeded,
  kConfigurationNeeded,
  kConfigurationAndSwHardeningNeeded,
  kTdRelaunchAdvised,  // found here, never a word of collateral: as the next
  kTdRelaunchAdvisedConfigurationNeeded,
  kOutOfDate,
  kOutOfDateConfigurationNeeded,
  kRevoked,
  kUnknown,
};
TcbStatus ParseTcbStatus(std::string_view word);  // the two of relaunching are unknown words
std::string_view TcbStatusName(TcbStatus status);
// The worse of both; OutOfDate together with a configuration that is needed keeps both in its word.
TcbStatus Worse(TcbStatus a, TcbStatus b);

struct TcbLevel {
  std::array<unsigned, 16> sgx{};
  std::array<unsigned, 16> tdx{};
  unsigned pce_svn = 0;
  TcbStatus status = TcbStatus::kUnknown;
  std::string date;
  std::vector<std::string> advisories;
};

struct SvnLevel {
  unsigned isv_svn = 0;
  TcbStatus status = TcbStatus::kUnknown;
  std::string date;
  std::vector<std::string> advisories;
};

struct ModuleIdentity {
  std::string id;    // "TDX_01"
  Bytes mr_signer;   // 48
  Bytes attributes;  // 8
  Bytes attributes_mask;
  std::vector<SvnLevel> levels;  // best first
};

// What both have: the bytes that were signed, and until when they hold.
struct Signed {
  std::string file;
  Bytes signed_part;
  Bytes signature;  // 64
  std::int64_t issue_date = 0;
  std::int64_t next_update = 0;
  std::int64_t evaluation_number = 0;
};

struct TcbInfo : Signed {
  bool tdx = false;  // else SGX
  Bytes fmspc;
  Bytes pce_id;
  std::vector<TcbLevel> levels;          // best first
  std::optional<ModuleIdentity> module;  // of version 1.0 modules; without levels
  std::vector<ModuleIdentity> modules;
};

struct EnclaveIdentity : Signed {
  std::string id;  // "TD_QE", "QE"
  Bytes misc_select, misc_select_mask;
  Bytes attributes, attributes_mask;
  Bytes mr_signer;
  unsigned isv_prod_id = 0;
  std::vector<SvnLevel> levels;  // best first
};

// Nothing when the JSON is another kind. Errors: kInvalidArgument: is that kind, malformed. Neither
// checks the signature.
[[nodiscard]] Result<std::optional<TcbInfo>> ReadTcbInfo(const std::string& file,
                                                         std::string_view text);
[[nodiscard]] Result<std::optional<EnclaveIdentity>> ReadEnclaveIdentity(const std::string& file,
                                                                         std::string_view text);

// The bytes of the value of `member` at the outermost level of a JSON object, as they stand there.
std::optional<std::string_view> RawMember(std::string_view text, std::string_view member);

}  // namespace casemate::attestation::tdx
