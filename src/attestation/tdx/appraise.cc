#include "attestation/tdx/appraise.h"

#include <algorithm>

#include "attestation/little_endian.h"
#include "attestation/roots.h"
#include "attestation/tdx/check_tcb.h"
#include "attestation/tdx/pck.h"
#include "attestation/tdx/quote.h"
#include "crypto/ecdsa.h"
#include "crypto/sha2.h"

namespace casemate::attestation::tdx {
namespace {

using crypto::EcCurve;
using crypto::HashAlgorithm;

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
  Result<AnchoredChain> chain = VerifyToRoot("intel", *leaf, *certificates, context);
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
  PassChain(*chain, context, appraisal);
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
  const bool sgx = raw.size() >= 8 && GetLittle32(raw, 4) == 0;
  Appraisal appraisal =
      Begin(source, sgx ? Kind::kSgx : Kind::kTdx, sgx ? "SGX quote" : "TDX quote", context);
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
  Close(context, facts, CannotShow(quote->td.has_value()), appraisal);
  return appraisal;
}

}  // namespace casemate::attestation::tdx
