#include "attestation/tdx/check_tcb.h"

#include <algorithm>
#include <optional>

#include "attestation/roots.h"
#include "attestation/tdx/collateral.h"
#include "attestation/tdx/tcb_level.h"
#include "base/clock.h"
#include "crypto/ecdsa.h"

namespace casemate::attestation::tdx {
namespace {

using crypto::EcCurve;
using crypto::HashAlgorithm;

constexpr std::string_view kTcbSigner = "Intel SGX TCB Signing";

struct Collateral {
  std::optional<TcbInfo> tcb_info;
  std::optional<EnclaveIdentity> identity;
};

// A certificate of the signer whose key verifies it and whose chain ends at a root; else why not.
Result<AnchoredChain> VerifySigner(const Signed& document, const Context& context) {
  std::string failure = "no certificate \"" + std::string(kTcbSigner) +
                        "\" was given: give the TCB signing chain with --collateral";
  for (const crypto::X509Certificate& certificate : context.certificates) {
    if (certificate.common_name() != kTcbSigner) {
      continue;
    }
    if (!crypto::VerifyEcdsa(EcCurve::kP256, HashAlgorithm::kSha256, certificate.ec_point(),
                             document.signed_part, document.signature)) {
      failure = document.file +
                ": the signature does not verify: the file was changed (any "
                "re-formatting breaks it) or another key signed it";
      continue;
    }
    Result<AnchoredChain> chain = VerifyToRoot("intel", certificate, context.certificates, context);
    if (chain) {
      return chain;
    }
    failure = chain.error().message;
  }
  return Fail(ErrorCode::kIntegrityFailure, failure);
}

bool HaveSigner(const Context& context) {
  return std::ranges::any_of(context.certificates, [](const crypto::X509Certificate& certificate) {
    return certificate.common_name() == kTcbSigner;
  });
}

// Whether the document may be used. Its dates are a step of their own.
bool CheckSigned(const Signed& document, const Context& context, bool& chain_said,
                 Appraisal& appraisal) {
  if (!HaveSigner(context)) {
    appraisal.Skip("collateral",
                   document.file +
                       ": its signer's certificate is missing: give the TCB signing chain with "
                       "--collateral",
                   true);
    return false;
  }
  Result<AnchoredChain> chain = VerifySigner(document, context);
  if (!chain) {
    appraisal.Refuse("collateral", chain.error().message);
    return false;
  }
  appraisal.Pass("collateral", document.file + ": signed by " + std::string(kTcbSigner));
  if (!chain_said) {
    AppraiseChain(*chain, context, "collateral-", appraisal);
    chain_said = true;
  }
  const std::string span = document.file + " holds from " + FormatUtc(document.issue_date) +
                           " to " + FormatUtc(document.next_update) + " (evaluation " +
                           std::to_string(document.evaluation_number) + ")";
  if (context.time < document.issue_date || context.time > document.next_update) {
    appraisal.Refuse("collateral-dates",
                     span + ", not at " + FormatUtc(context.time) + ": get the current one");
  } else {
    appraisal.Pass("collateral-dates", span);
  }
  return true;
}

// Of several of a kind the one of the highest evaluation counts: an older one must not undo it.
template <typename Document>
void KeepNewer(Document document, std::optional<Document>& kept) {
  if (!kept || document.evaluation_number > kept->evaluation_number) {
    kept = std::move(document);
  }
}

// Of the documents given, those for this platform. One for another platform is said to be one.
Collateral FindCollateral(const Quote& quote, const Pck& pck, const Context& context,
                          Appraisal& appraisal) {
  Collateral found;
  std::string other;
  const std::string identity_id = quote.td ? "TD_QE" : "QE";
  for (const Companion& file : context.collateral) {
    const std::string_view text = AsText(file.content);
    if (!text.contains("\"tcbInfo\"") && !text.contains("\"enclaveIdentity\"")) {
      continue;
    }
    Result<std::optional<TcbInfo>> info = ReadTcbInfo(file.name, text);
    Result<std::optional<EnclaveIdentity>> identity = ReadEnclaveIdentity(file.name, text);
    if (!info || !identity) {
      appraisal.Refuse("collateral", !info ? info.error().message : identity.error().message);
      continue;
    }
    if (*info && (*info)->tdx == quote.td.has_value() && (*info)->fmspc == pck.fmspc &&
        (*info)->pce_id == pck.pce_id) {
      KeepNewer(**std::move(info), found.tcb_info);
    } else if (*info) {
      other = file.name + " is for " + ((*info)->tdx ? "TDX" : "SGX") + " on FMSPC " +
              ToHex((*info)->fmspc) + ", this platform's is " + ToHex(pck.fmspc);
    }
    if (*identity && (*identity)->id == identity_id) {
      KeepNewer(**std::move(identity), found.identity);
    } else if (*identity) {
      appraisal.warnings.push_back(file.name + " is for " + (*identity)->id + ", not for " +
                                   identity_id + ": left out");
    }
  }
  if (!found.tcb_info && !other.empty()) {
    appraisal.Refuse("tcb-level", "collateral for another platform: " + other);
  } else if (!other.empty()) {
    appraisal.warnings.push_back("left out: " + other);
  }
  return found;
}

void NoteStanding(const char* step, const Standing& standing, Appraisal& appraisal) {
  if (!standing.found) {
    appraisal.Refuse(step, standing.reason);
  } else {
    appraisal.Pass(step, standing.reason, false);  // tcb-status decides
  }
  for (const std::string& advisory : standing.advisories) {
    if (std::ranges::find(appraisal.tcb.advisories, advisory) == appraisal.tcb.advisories.end()) {
      appraisal.tcb.advisories.push_back(advisory);
    }
  }
}

void JudgeStatus(TcbStatus status, Appraisal& appraisal) {
  appraisal.tcb.status = TcbStatusName(status);
  const std::string words =
      "the worst of platform, module and quoting enclave is " + appraisal.tcb.status;
  if (status == TcbStatus::kUpToDate) {
    appraisal.Pass("tcb-status", words);
  } else if (status <= TcbStatus::kConfigurationAndSwHardeningNeeded) {
    appraisal.Pass("tcb-status", words + ": see the advisories");
    appraisal.warnings.push_back("TCB status " + appraisal.tcb.status +
                                 ": software or configuration must mitigate what the advisories "
                                 "name, and no quote shows whether it does");
  } else if (status <= TcbStatus::kTdRelaunchAdvisedConfigurationNeeded) {
    appraisal.Refuse("tcb-status",
                     words +
                         ": the module that runs now is current, the one that started this TD was "
                         "not, and what happened meanwhile no quote shows: relaunch the TD");
  } else {
    appraisal.Refuse("tcb-status", words + ": update the platform");
  }
}

// Platform and module against the TCB info.
TdxStatuses CheckLevels(const TcbInfo& info, const Quote& quote, const Pck& pck,
                        Appraisal& appraisal) {
  const Bytes* svn = quote.td ? &quote.td->tee_tcb_svn : nullptr;
  const Standing platform = PlatformStanding(info, pck, svn);
  NoteStanding("tcb-level", platform, appraisal);
  appraisal.tcb.date = platform.date;
  TdxStatuses statuses{.sgx = PlatformStanding(info, pck, nullptr).status,
                       .platform = platform.status};
  if (quote.td) {
    const Standing module = ModuleStanding(info, *quote.td, *svn);
    NoteStanding("module", module, appraisal);
    statuses.module = module.status;
  }
  return statuses;
}

}  // namespace

void CheckTcb(const Quote& quote, const Pck& pck, const Context& context, Appraisal& appraisal) {
  Collateral collateral = FindCollateral(quote, pck, context, appraisal);
  bool chain_said = false;
  const bool info_good =
      collateral.tcb_info && CheckSigned(*collateral.tcb_info, context, chain_said, appraisal);
  const bool identity_good =
      collateral.identity && CheckSigned(*collateral.identity, context, chain_said, appraisal);
  Standing qe;
  if (identity_good) {
    qe = EnclaveStanding(*collateral.identity, quote.qe);
    NoteStanding("qe-identity", qe, appraisal);
  } else if (!collateral.identity) {
    appraisal.Skip("qe-identity", "give the QE identity with --collateral", true);
  }
  TdxStatuses statuses;
  if (info_good) {
    statuses = CheckLevels(*collateral.tcb_info, quote, pck, appraisal);
    statuses.enclave = qe.status;
  } else if (!collateral.tcb_info && appraisal.Find("tcb-level") == nullptr) {
    appraisal.Skip("tcb-level",
                   "give the TCB info for FMSPC " + ToHex(pck.fmspc) + " with --collateral", true);
  }
  if (info_good && identity_good) {
    JudgeStatus(quote.td ? Converge(*collateral.tcb_info, *quote.td, statuses)
                         : Worse(statuses.platform, statuses.enclave),
                appraisal);
  }
}

}  // namespace casemate::attestation::tdx
