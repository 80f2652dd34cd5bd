#include "attestation/snp/appraise.h"

#include <algorithm>

#include "attestation/little_endian.h"
#include "attestation/roots.h"
#include "attestation/snp/report.h"
#include "attestation/snp/vcek.h"
#include "crypto/ecdsa.h"

namespace casemate::attestation::snp {
namespace {

struct Signer {
  crypto::X509Certificate certificate;
  Vcek vcek;
};

// Of the certificates given, the one that the report names; else any that could be meant, so that
// the steps can say what differs.
std::optional<Signer> FindSigner(const Report& report, const Context& context,
                                 Appraisal& appraisal) {
  std::optional<Signer> found;
  for (const crypto::X509Certificate& certificate : context.certificates) {
    Result<std::optional<Vcek>> vcek = ReadVcek(certificate);
    if (!vcek) {
      appraisal.warnings.push_back("certificate \"" + certificate.common_name() +
                                   "\" is left out: " + vcek.error().message);
      continue;
    }
    if (!*vcek) {
      continue;
    }
    const bool signs =
        crypto::VerifyEcdsa(crypto::EcCurve::kP384, crypto::HashAlgorithm::kSha384,
                            certificate.ec_point(), report.signed_part, report.signature)
            .has_value();
    if (signs || !found) {
      found = Signer{.certificate = certificate, .vcek = **std::move(vcek)};
    }
    if (signs) {
      break;
    }
  }
  return found;
}

void CheckSignature(const Report& report, const Signer& signer, Appraisal& appraisal) {
  const std::string name = report.signing_key == SigningKey::kVlek ? "VLEK" : "VCEK";
  Result<void> verified =
      crypto::VerifyEcdsa(crypto::EcCurve::kP384, crypto::HashAlgorithm::kSha384,
                          signer.certificate.ec_point(), report.signed_part, report.signature);
  if (verified) {
    appraisal.Pass("signature", "ECDSA P-384 with SHA-384 over bytes 0 to 671, by the " + name);
  } else {
    appraisal.Refuse("signature", "the report was changed, or the certificate given is not the " +
                                      name + " that signed it: " + verified.error().message);
  }
}

void CheckChain(const Report& report, const Signer& signer, const Context& context,
                Appraisal& appraisal) {
  Result<AnchoredChain> chain =
      VerifyToRoot("amd", signer.certificate, context.certificates, context.roots);
  if (!chain) {
    appraisal.Refuse("chain", chain.error().message);
    return;
  }
  if (!std::ranges::all_of(chain->path, &crypto::X509Certificate::signed_with_pss_sha384)) {
    appraisal.Refuse("chain", "a certificate is not signed with RSASSA-PSS, SHA-384, salt 48");
    return;
  }
  // AMD issues VLEKs below a key of their own: one must not pass for the other.
  const bool vlek_issuer =
      chain->path.size() > 1 && chain->path[1].common_name().starts_with("SEV-VLEK-");
  const bool vlek = report.signing_key == SigningKey::kVlek;
  if (vlek != vlek_issuer || vlek == signer.vcek.hardware_id.has_value()) {
    appraisal.Refuse("chain", std::string("the report says that a ") + (vlek ? "VLEK" : "VCEK") +
                                  " signed it; the certificate is another kind");
    return;
  }
  std::string names;
  for (const crypto::X509Certificate& certificate : chain->path) {
    names += (names.empty() ? "" : " <- ") + certificate.common_name();
  }
  appraisal.Pass("chain", names + (chain->root.given ? " (given with --root)" : " (pinned)"));
  AppraiseChain(*chain, context.revocation_lists, context.time, "", appraisal);
  if (vlek) {
    appraisal.vouchers.push_back(
        {.role = "signing key",
         .holder = "VLEK " + signer.vcek.csp_id,
         .company = "the cloud provider that AMD handed the key to (" + signer.vcek.csp_id + ")",
         .jurisdiction = "that provider's, and the USA",
         .sha256 = signer.certificate.sha256()});
  } else {
    appraisal.vouchers.push_back({.role = "signing key",
                                  .holder = "VCEK of the chip",
                                  .company = "derived inside the chip; certified by AMD",
                                  .jurisdiction = "USA",
                                  .sha256 = signer.certificate.sha256()});
  }
}

void CheckBindings(const Report& report, const Signer& signer, Appraisal& appraisal) {
  const bool fmc = report.fmc_layout();
  if (signer.vcek.tcb == report.reported_tcb && signer.vcek.has_fmc == fmc) {
    appraisal.Pass("tcb-binding",
                   "the certificate is for the reported TCB " + TcbText(report.reported_tcb, fmc));
  } else {
    appraisal.Refuse("tcb-binding", "the certificate is for TCB " +
                                        TcbText(signer.vcek.tcb, signer.vcek.has_fmc) +
                                        ", the report says " + TcbText(report.reported_tcb, fmc) +
                                        ": get the certificate for this TCB");
  }
  const std::string said = signer.vcek.product.substr(0, signer.vcek.product.find('-'));
  const Product product = ProductOf(report, signer.vcek.product);
  if (!report.has_cpuid) {
    appraisal.Skip(
        "product",
        "a report of version 2 names no product; the certificate says " + signer.vcek.product,
        false);
  } else if (product.family == said) {
    appraisal.Pass("product",
                   "the certificate's " + signer.vcek.product + " fits CPUID " + product.text);
  } else {
    appraisal.Refuse("product", "the certificate is for " + signer.vcek.product +
                                    ", the report's CPUID says " + product.text);
  }
  if (report.signing_key == SigningKey::kVlek) {
    appraisal.Skip("chip-id", "a VLEK is bound to a provider, not to a chip", false);
    return;
  }
  if (AllZero(report.chip_id)) {
    appraisal.Skip("chip-id",
                   "the host masks the chip's id; the VCEK is bound to a chip all the same", false);
    return;
  }
  if (!signer.vcek.hardware_id) {
    appraisal.Refuse("chip-id", "the certificate names no chip: it is no VCEK");
    return;
  }
  const Bytes& id = *signer.vcek.hardware_id;
  const bool same = std::ranges::equal(id, ByteView(report.chip_id).first(id.size())) &&
                    AllZero(ByteView(report.chip_id).subspan(id.size()));
  if (same) {
    appraisal.Pass("chip-id", "the certificate's hardware id is the report's chip id");
  } else {
    appraisal.Refuse("chip-id", "the certificate is for chip " + ToHex(ByteView(id).first(8)) +
                                    "..., the report comes from " +
                                    ToHex(ByteView(report.chip_id).first(8)) + "...");
  }
}

struct BitMeaning {
  unsigned bit;
  const char* name;
  const char* set;
  const char* unset;
  bool warn_set;
  bool warn_unset;
};

constexpr BitMeaning kPolicyBits[] = {
    {16, "policy.smt-allowed", "the guest accepts a sibling thread on its core",
     "the guest refuses to run with SMT", false, false},
    {18, "policy.migration-agent", "a migration agent may move the guest and its keys",
     "no migration agent", true, false},
    {19, "policy.debug", "the host may read and write the guest's memory",
     "the host cannot use the debugging interface", true, false},
    {20, "policy.single-socket", "only on one socket", "may span sockets", false, false},
    {21, "policy.cxl-allowed", "memory may be behind CXL", "no CXL memory", false, false},
    {22, "policy.mem-aes-256-xts", "memory encryption must be AES-256-XTS",
     "any memory encryption of the platform", false, false},
    {23, "policy.rapl-disabled", "power readings must be off", "power readings may be on", false,
     false},
    {24, "policy.ciphertext-hiding", "the host must not read the ciphertext",
     "the host may read the ciphertext", false, false},
    {25, "policy.page-swap-disabled", "the host must not move pages", "the host may move pages",
     false, false}};
constexpr BitMeaning kPlatformBits[] = {
    {0, "platform.smt", "sibling threads are on", "sibling threads are off", false, false},
    {1, "platform.tsme", "all memory is encrypted", "the host's memory is not encrypted", false,
     false},
    {2, "platform.ecc", "memory has ECC", "memory has no ECC", false, false},
    {3, "platform.rapl-disabled", "power readings are off", "power readings are on", false, false},
    {4, "platform.ciphertext-hiding", "the host cannot read the ciphertext",
     "the host can read the ciphertext", false, false},
    {5, "platform.alias-check", "memory was checked for aliases at boot",
     "memory was not checked for aliases (BadRAM)", false, true},
    {7, "platform.sev-tio", "trusted devices are on", "no trusted devices", false, false}};

void AddBits(std::uint64_t value, std::span<const BitMeaning> bits, const std::string& what,
             Appraisal& appraisal, AttackFacts& facts) {
  std::uint64_t known = 0;
  for (const BitMeaning& bit : bits) {
    const bool set = (value >> bit.bit & 1) != 0;
    known |= std::uint64_t{1} << bit.bit;
    appraisal.policy.push_back({.name = bit.name,
                                .set = set,
                                .meaning = set ? bit.set : bit.unset,
                                .warning = set ? bit.warn_set : bit.warn_unset});
    facts.values[bit.name] = set ? 1 : 0;
  }
  if ((value & ~known) != 0) {
    Bytes raw;
    PutU64(raw, value & ~known);
    appraisal.warnings.push_back(what + " has bits that are not known here (0x" + ToHex(raw) +
                                 "): cannot tell what they mean");
  }
}

void CheckPolicy(const Report& report, Appraisal& appraisal, AttackFacts& facts) {
  if ((report.policy >> 19 & 1) != 0) {
    appraisal.Refuse("debug", "the guest's policy allows debugging: the host can read its memory");
  } else {
    appraisal.Pass("debug", "the guest's policy forbids debugging");
  }
  constexpr std::uint64_t kFixed = std::uint64_t{1} << 17 | 0xFFFF;  // must be one; ABI versions
  AddBits(report.policy & ~kFixed, kPolicyBits, "the policy", appraisal, facts);
  AddBits(report.platform_info, kPlatformBits, "the platform's information", appraisal, facts);
  if (report.version >= 5) {
    const std::uint64_t both = report.launch_mit_vector & report.current_mit_vector;
    for (unsigned bit = 0; bit < 16; ++bit) {
      facts.values["mit-vector." + std::to_string(bit)] =
          static_cast<std::int64_t>(both >> bit & 1);
    }
  }
}

void AddTcb(const Report& report, Appraisal& appraisal, AttackFacts& facts) {
  const bool fmc = report.fmc_layout();
  const std::pair<const char*, const TcbVersion*> versions[] = {
      {"reported", &report.reported_tcb},
      {"committed", &report.committed_tcb},
      {"current", &report.current_tcb},
      {"launch", &report.launch_tcb}};
  for (const auto& [name, tcb] : versions) {
    appraisal.tcb.components.push_back({.name = name, .value = TcbText(*tcb, fmc)});
  }
  const std::string text = std::to_string(report.committed.major) + "." +
                           std::to_string(report.committed.minor) + "." +
                           std::to_string(report.committed.build);
  appraisal.tcb.components.push_back({.name = "firmware", .value = text});
  appraisal.tcb.components.push_back(
      {.name = "microcode", .value = std::to_string(report.reported_tcb.microcode)});
  // The lowest that the chip could be rolled back to, or that the guest was started under.
  facts.values["microcode"] = std::min(
      {report.reported_tcb.microcode, report.committed_tcb.microcode, report.launch_tcb.microcode});
  facts.values["snp-firmware"] =
      std::min({report.reported_tcb.snp, report.committed_tcb.snp, report.launch_tcb.snp});
  facts.values["firmware"] = std::min(report.committed.Number(), report.current.Number());
  if (!(report.current_tcb == report.committed_tcb)) {
    appraisal.warnings.push_back("current TCB " + TcbText(report.current_tcb, fmc) +
                                 " is not committed (" + TcbText(report.committed_tcb, fmc) +
                                 "): the host can roll it back");
  }
  if (!(report.launch_tcb == report.reported_tcb)) {
    appraisal.warnings.push_back("the guest was started under TCB " +
                                 TcbText(report.launch_tcb, fmc) + ", the report is for " +
                                 TcbText(report.reported_tcb, fmc));
  }
}

void AddFacts(const Report& report, Appraisal& appraisal) {
  appraisal.AddFact("measurement", ToHex(report.measurement));
  appraisal.AddFact("report-data", ToHex(report.report_data));
  appraisal.AddFact("host-data", ToHex(report.host_data));
  appraisal.AddFact("chip-id", ToHex(report.chip_id));
  appraisal.AddFact("vmpl", std::to_string(report.vmpl));
  appraisal.AddFact("guest-svn", std::to_string(report.guest_svn));
  appraisal.AddFact("family-id", ToHex(report.family_id));
  appraisal.AddFact("image-id", ToHex(report.image_id));
  appraisal.AddFact("id-key-digest", ToHex(report.id_key_digest));
  appraisal.AddFact("author-key-digest", ToHex(report.author_key_digest));
  appraisal.AddFact("report-id", ToHex(report.report_id));
}

std::vector<std::string> CannotShow(const Report& report) {
  std::vector<std::string> sentences = {
      "what the guest ran after its measured start, or who can log in to it: the measurement "
      "covers "
      "the initial memory only",
      "what the measurement means: compare it with a build of your own",
      "where the machine stands, and that nobody touches its memory bus",
      "that AMD (or whoever can compel it) issued no certificate for a chip that does not exist"};
  if (report.signing_key == SigningKey::kVlek) {
    sentences.emplace_back("on which chip the guest runs: a VLEK is the provider's, not a chip's");
  }
  return sentences;
}

}  // namespace

Appraisal Appraise(const std::string& source, ByteView raw, const Context& context) {
  Appraisal appraisal;
  appraisal.source = source;
  appraisal.kind = Kind::kSevSnp;
  appraisal.format = "SEV-SNP report";
  appraisal.time = context.time;
  Result<Report> report = ParseReport(raw);
  if (!report) {
    appraisal.Refuse("format", report.error().message);
    return appraisal;
  }
  appraisal.format += ", version " + std::to_string(report->version);
  appraisal.Pass("format", "1184 bytes, reserved fields are zero");
  AttackFacts facts;
  const std::optional<Signer> signer = FindSigner(*report, context, appraisal);
  const Product product = ProductOf(*report, signer ? signer->vcek.product : "");
  appraisal.product = product.text;
  facts.lines = product.lines;
  if (signer) {
    CheckSignature(*report, *signer, appraisal);
    CheckChain(*report, *signer, context, appraisal);
    CheckBindings(*report, *signer, appraisal);
  } else {
    const std::string remedy = report->signing_key == SigningKey::kVlek
                                   ? "give the provider's VLEK certificate with --chain"
                                   : "give the chip's VCEK certificate with --chain (AMD's key "
                                     "distribution server has it)";
    appraisal.Skip("signature", remedy, true);
    appraisal.Skip("chain", remedy, true);
  }
  CheckPolicy(*report, appraisal, facts);
  CompareReportData(context, report->report_data, appraisal);
  AddTcb(*report, appraisal, facts);
  AddFacts(*report, appraisal);
  appraisal.cannot_show = CannotShow(*report);
  AttacksOf(context).Judge(facts, appraisal);
  return appraisal;
}

}  // namespace casemate::attestation::snp
