#include "attestation/snp/appraise.h"

#include <algorithm>

#include "attestation/little_endian.h"
#include "attestation/roots.h"
#include "attestation/snp/policy.h"
#include "attestation/snp/report.h"
#include "attestation/snp/vcek.h"
#include "crypto/ecdsa.h"

namespace casemate::attestation::snp {
namespace {

struct Signer {
  crypto::X509Certificate certificate;
  Vcek vcek;
  Result<void> signature;  // of the report, by its key
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
    Result<void> signature =
        crypto::VerifyEcdsa(crypto::EcCurve::kP384, crypto::HashAlgorithm::kSha384,
                            certificate.ec_point(), report.signed_part, report.signature);
    const bool signs = signature.has_value();
    if (signs || !found) {
      found = Signer{
          .certificate = certificate, .vcek = **std::move(vcek), .signature = std::move(signature)};
    }
    if (signs) {
      break;
    }
  }
  return found;
}

void CheckSignature(const Report& report, const Signer& signer, Appraisal& appraisal) {
  const std::string name = report.signing_key == SigningKey::kVlek ? "VLEK" : "VCEK";
  if (signer.signature) {
    appraisal.Pass("signature", "ECDSA P-384 with SHA-384 over bytes 0 to 671, by the " + name);
  } else {
    appraisal.Refuse("signature", "the report was changed, or the certificate given is not the " +
                                      name +
                                      " that signed it: " + signer.signature.error().message);
  }
}

void CheckChain(const Report& report, const Signer& signer, const Context& context,
                Appraisal& appraisal) {
  Result<AnchoredChain> chain =
      VerifyToRoot("amd", signer.certificate, context.certificates, context);
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
  PassChain(*chain, context, appraisal);
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
  Appraisal appraisal = Begin(source, Kind::kSevSnp, "SEV-SNP report", context);
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
  Close(context, facts, CannotShow(*report), appraisal);
  return appraisal;
}

}  // namespace casemate::attestation::snp
