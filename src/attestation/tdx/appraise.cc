#include "attestation/tdx/appraise.h"

#include <algorithm>

#include "attestation/little_endian.h"
#include "attestation/roots.h"
#include "attestation/tdx/collateral.h"
#include "attestation/tdx/pck.h"
#include "attestation/tdx/quote.h"
#include "attestation/tdx/tcb_level.h"
#include "base/clock.h"
#include "crypto/ecdsa.h"
#include "crypto/sha2.h"

namespace casemate::attestation::tdx {
namespace {

using crypto::EcCurve;
using crypto::HashAlgorithm;

constexpr std::string_view kTcbSigner = "Intel SGX TCB Signing";

// What stands between and behind the certificates is signed by nobody: only line ends and zero
// bytes.
bool OnlyCertificates(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  bool inside = false;
  while (!pem.empty()) {
    if (pem.starts_with(inside ? kEnd : kBegin)) {
      pem.remove_prefix(inside ? kEnd.size() : kBegin.size());
      inside = !inside;
    } else if (inside || pem.front() == '\n' || pem.front() == '\r' || pem.front() == '\0') {
      pem.remove_prefix(1);
    } else {
      return false;
    }
  }
  return !inside;
}

// The PCK and its chain, every certificate of which must be used.
std::optional<crypto::X509Certificate> CheckChain(const Quote& quote, const Context& context,
                                                  Appraisal& appraisal) {
  auto certificates = crypto::ReadPemCertificates(quote.pck_chain, 8);
  if (!certificates) {
    appraisal.Refuse("chain", "in the quote: " + certificates.error().message);
    return std::nullopt;
  }
  if (!OnlyCertificates(quote.pck_chain)) {
    appraisal.Refuse("chain", "the quote's certification data has bytes besides certificates");
    return std::nullopt;
  }
  // The leaf is the one with Intel's extension, in whatever order they stand.
  const auto leaf = std::ranges::find_if(
      *certificates, [&](const auto& candidate) { return ReadPck(candidate).has_value(); });
  if (leaf == certificates->end()) {
    appraisal.Refuse("chain", "the quote has no PCK certificate");
    return std::nullopt;
  }
  Result<AnchoredChain> chain = VerifyToRoot("intel", *leaf, *certificates, context.roots);
  if (!chain) {
    appraisal.Refuse("chain", chain.error().message);
    return std::nullopt;
  }
  for (const crypto::X509Certificate& certificate : *certificates) {
    if (std::ranges::find(chain->path, certificate.sha256(), &crypto::X509Certificate::sha256) ==
        chain->path.end()) {
      appraisal.Refuse("chain", "\"" + certificate.common_name() +
                                    "\" in the quote is no part of the chain to the pinned root");
      return std::nullopt;
    }
  }
  std::string names;
  for (const crypto::X509Certificate& certificate : chain->path) {
    names += (names.empty() ? "" : " <- ") + certificate.common_name();
  }
  appraisal.Pass("chain", names + (chain->root.given ? " (given with --root)" : " (pinned)"));
  AppraiseChain(*chain, context.revocation_lists, context.time, "", appraisal);
  return *leaf;
}

void CheckSignatures(const Quote& quote, const crypto::X509Certificate& pck, Appraisal& appraisal) {
  const auto note = [&](const char* step, const Result<void>& verified, const std::string& good,
                        const std::string& bad) {
    if (verified) {
      appraisal.Pass(step, good);
    } else {
      appraisal.Refuse(step, bad + ": " + verified.error().message);
    }
  };
  note("qe-signature",
       crypto::VerifyEcdsa(EcCurve::kP256, HashAlgorithm::kSha256, pck.ec_point(), quote.qe.raw,
                           quote.qe_signature),
       "the PCK signed the quoting enclave's report",
       "the quoting enclave's report was changed or not signed by the PCK");
  Bytes bound = quote.attestation_key;
  Put(bound, quote.qe_auth_data);
  Bytes expected = crypto::Hash(HashAlgorithm::kSha256, bound);
  expected.resize(64);
  if (quote.qe.report_data == expected) {
    appraisal.Pass("attestation-key", "the quoting enclave's report data is the key's digest");
  } else {
    appraisal.Refuse("attestation-key",
                     "the attestation key is not the one that the quoting enclave vouches for");
  }
  note("signature",
       crypto::VerifyEcdsa(EcCurve::kP256, HashAlgorithm::kSha256, quote.attestation_key,
                           quote.signed_part, quote.signature),
       "ECDSA P-256 with SHA-256 over header and body, by the attestation key",
       "header or body was changed, or another key signed them");
}

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
    Result<AnchoredChain> chain =
        VerifyToRoot("intel", certificate, context.certificates, context.roots);
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
    AppraiseChain(*chain, context.revocation_lists, context.time, "collateral-", appraisal);
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
  } else {
    appraisal.Refuse("tcb-status", words + ": update the platform");
  }
}

void CheckTcb(const Quote& quote, const Pck& pck, const Context& context, Appraisal& appraisal) {
  Collateral collateral = FindCollateral(quote, pck, context, appraisal);
  bool chain_said = false;
  const bool info_good =
      collateral.tcb_info && CheckSigned(*collateral.tcb_info, context, chain_said, appraisal);
  const bool identity_good =
      collateral.identity && CheckSigned(*collateral.identity, context, chain_said, appraisal);
  std::vector<TcbStatus> all;
  if (identity_good) {
    const Standing qe = EnclaveStanding(*collateral.identity, quote.qe);
    NoteStanding("qe-identity", qe, appraisal);
    all.push_back(qe.status);
  } else if (!collateral.identity) {
    appraisal.Skip("qe-identity", "give the QE identity with --collateral", true);
  }
  if (info_good) {
    const Bytes* svn = quote.td ? &quote.td->tee_tcb_svn : nullptr;
    const Standing platform = PlatformStanding(*collateral.tcb_info, pck, svn);
    NoteStanding("tcb-level", platform, appraisal);
    appraisal.tcb.date = platform.date;
    all.push_back(platform.status);
    if (quote.td) {
      const Standing module = ModuleStanding(*collateral.tcb_info, *quote.td, *svn);
      NoteStanding("module", module, appraisal);
      all.push_back(module.status);
      if (!quote.td->tee_tcb_svn_2.empty() && quote.td->tee_tcb_svn_2 != *svn && module.found &&
          module.status != TcbStatus::kUpToDate &&
          ModuleStanding(*collateral.tcb_info, *quote.td, quote.td->tee_tcb_svn_2).status ==
              TcbStatus::kUpToDate) {
        appraisal.warnings.emplace_back(
            "the module that runs now is up to date, the one that started this TD was not: "
            "relaunch the TD");
      }
    }
  } else if (!collateral.tcb_info && appraisal.Find("tcb-level") == nullptr) {
    appraisal.Skip("tcb-level",
                   "give the TCB info for FMSPC " + ToHex(pck.fmspc) + " with --collateral", true);
  }
  if (info_good && identity_good) {
    TcbStatus worst = TcbStatus::kUpToDate;
    for (const TcbStatus status : all) {
      worst = Worse(worst, status);
    }
    JudgeStatus(worst, appraisal);
  }
}

struct Attribute {
  unsigned bit;
  const char* name;
  const char* set;
  const char* unset;
  bool warn_set;
};
constexpr Attribute kAttributes[] = {
    {0, "td.debug", "the host may read and write the TD's memory", "the host cannot debug the TD",
     true},
    {28, "td.sept-ve-disable", "the host cannot inject #VE by unmapping pages",
     "the host may unmap pages and raise #VE", false},
    {29, "td.migratable", "the TD may be moved by a migration TD", "the TD cannot be migrated",
     true},
    {30, "td.pks", "supervisor protection keys may be used", "no supervisor protection keys",
     false},
    {63, "td.perfmon", "performance counters may be used", "no performance counters", false}};

void CheckTdPolicy(const TdReport& td, Appraisal& appraisal) {
  constexpr std::uint64_t kUntrusted = 0xFF;  // TUD: any of these and the TD is not to be trusted
  if ((td.td_attributes & 1) != 0) {
    appraisal.Refuse("debug", "the TD was started for debugging: the host can read its memory");
  } else if ((td.td_attributes & kUntrusted) != 0) {
    appraisal.Refuse("debug", "the TD's attributes have a bit set that makes it untrusted");
  } else {
    appraisal.Pass("debug", "the TD cannot be debugged");
  }
  std::uint64_t known = kUntrusted;
  for (const Attribute& attribute : kAttributes) {
    const bool set = (td.td_attributes >> attribute.bit & 1) != 0;
    known |= std::uint64_t{1} << attribute.bit;
    appraisal.policy.push_back({.name = attribute.name,
                                .set = set,
                                .meaning = set ? attribute.set : attribute.unset,
                                .warning = set && attribute.warn_set});
  }
  if ((td.td_attributes & ~known) != 0) {
    appraisal.warnings.emplace_back(
        "the TD's attributes have bits that are not known here: cannot tell what they mean");
  }
}

void CheckEnclavePolicy(const EnclaveReport& enclave, Appraisal& appraisal) {
  const bool debug = (enclave.attributes[0] & std::byte{2}) != std::byte{0};
  appraisal.policy.push_back({.name = "enclave.debug",
                              .set = debug,
                              .meaning = debug ? "the host may read the enclave's memory"
                                               : "the host cannot debug the enclave",
                              .warning = debug});
  if (debug) {
    appraisal.Refuse("debug",
                     "the enclave was started for debugging: the host can read its memory");
  } else {
    appraisal.Pass("debug", "the enclave cannot be debugged");
  }
}

void AddTdFacts(const TdReport& td, Appraisal& appraisal, AttackFacts& facts) {
  appraisal.AddFact("mrtd", ToHex(td.mr_td));
  for (std::size_t i = 0; i < td.rtmr.size(); ++i) {
    appraisal.AddFact("rtmr" + std::to_string(i), ToHex(td.rtmr[i]));
  }
  appraisal.AddFact("report-data", ToHex(td.report_data));
  appraisal.AddFact("mrconfigid", ToHex(td.mr_config_id));
  appraisal.AddFact("mrowner", ToHex(td.mr_owner));
  appraisal.AddFact("mrownerconfig", ToHex(td.mr_owner_config));
  appraisal.AddFact("mrseam", ToHex(td.mr_seam));
  appraisal.AddFact("xfam", ToHex(td.xfam));
  appraisal.AddFact("mrservicetd", ToHex(td.mr_service_td));
  appraisal.tcb.components.push_back({.name = "tee-tcb-svn", .value = ToHex(td.tee_tcb_svn)});
  if (!td.tee_tcb_svn_2.empty()) {
    appraisal.tcb.components.push_back(
        {.name = "tee-tcb-svn-now", .value = ToHex(td.tee_tcb_svn_2)});
  }
  const int major = std::to_integer<int>(td.tee_tcb_svn[1]);
  facts.lines = {"tdx-module-" + std::to_string(major)};
  facts.values["tdx-module-svn"] = std::to_integer<int>(td.tee_tcb_svn[0]);
  facts.values["tdx-debug"] = static_cast<std::int64_t>(td.td_attributes & 1);
  appraisal.product = "TDX module " + std::to_string(major) + " SVN " +
                      std::to_string(std::to_integer<int>(td.tee_tcb_svn[0]));
}

void AddEnclaveFacts(const EnclaveReport& enclave, Appraisal& appraisal, AttackFacts& facts) {
  appraisal.AddFact("mrenclave", ToHex(enclave.mr_enclave));
  appraisal.AddFact("mrsigner", ToHex(enclave.mr_signer));
  appraisal.AddFact("isvprodid", std::to_string(enclave.isv_prod_id));
  appraisal.AddFact("isvsvn", std::to_string(enclave.isv_svn));
  appraisal.AddFact("report-data", ToHex(enclave.report_data));
  facts.lines = {"sgx"};
}

void AddPckFacts(const Pck& pck, Appraisal& appraisal) {
  appraisal.AddFact("fmspc", ToHex(pck.fmspc));
  appraisal.AddFact("ppid", ToHex(pck.ppid));
  std::string svn;
  for (const unsigned component : pck.component_svn) {
    svn += (svn.empty() ? "" : "/") + std::to_string(component);
  }
  appraisal.tcb.components.push_back({.name = "sgx", .value = svn});
  appraisal.tcb.components.push_back({.name = "pcesvn", .value = std::to_string(pck.pce_svn)});
  if (pck.smt_known) {
    appraisal.policy.push_back({.name = "platform.smt",
                                .set = pck.smt,
                                .meaning = pck.smt ? "sibling threads were on when the platform "
                                                     "was registered"
                                                   : "sibling threads were off when the platform "
                                                     "was registered",
                                .warning = false});
  }
}

std::vector<std::string> CannotShow(bool td) {
  return {td ? "what the measurements (MRTD, RTMRs) mean: compare them with a build of your own"
             : "what MRENCLAVE means: compare it with a build of your own",
          "who runs the host, where the machine stands, and that nobody touches its memory bus: "
          "memory interposers leave no trace in a quote",
          "which machine it is, unless you keep a list of platforms (PPID)",
          "that Intel (or whoever can compel it) certified no platform that does not exist"};
}

}  // namespace

Appraisal Appraise(const std::string& source, ByteView raw, const Context& context) {
  Appraisal appraisal;
  appraisal.source = source;
  appraisal.kind = raw.size() >= 8 && GetLittle32(raw, 4) == 0 ? Kind::kSgx : Kind::kTdx;
  appraisal.format = appraisal.kind == Kind::kSgx ? "SGX quote" : "TDX quote";
  appraisal.time = context.time;
  Result<Quote> quote = ParseQuote(raw);
  if (!quote) {
    appraisal.Refuse("format", quote.error().message);
    return appraisal;
  }
  appraisal.format += ", version " + std::to_string(quote->version);
  appraisal.Pass("format",
                 "sizes fit" + (quote->padding == 0 ? std::string()
                                                    : "; " + std::to_string(quote->padding) +
                                                          " zero bytes of padding"));
  if (quote->trailing != 0) {
    appraisal.warnings.push_back(std::to_string(quote->trailing) +
                                 " bytes stand behind the quote; nothing signs them");
  }
  AttackFacts facts;
  if (quote->td) {
    AddTdFacts(*quote->td, appraisal, facts);
  } else {
    AddEnclaveFacts(*quote->enclave, appraisal, facts);
  }
  const std::optional<crypto::X509Certificate> pck = CheckChain(*quote, context, appraisal);
  if (pck) {
    CheckSignatures(*quote, *pck, appraisal);
    if (Result<Pck> facts_of_pck = ReadPck(*pck)) {
      AddPckFacts(*facts_of_pck, appraisal);
      CheckTcb(*quote, *facts_of_pck, context, appraisal);
    }
  }
  if (quote->td) {
    CheckTdPolicy(*quote->td, appraisal);
  } else {
    CheckEnclavePolicy(*quote->enclave, appraisal);
  }
  CompareReportData(context, quote->td ? quote->td->report_data : quote->enclave->report_data,
                    appraisal);
  appraisal.cannot_show = CannotShow(quote->td.has_value());
  AttacksOf(context).Judge(facts, appraisal);
  return appraisal;
}

}  // namespace casemate::attestation::tdx
