#include "attestation/nvidia/appraise.h"

#include <algorithm>

#include "attestation/der.h"
#include "attestation/little_endian.h"
#include "attestation/nvidia/check_manifests.h"
#include "attestation/nvidia/report.h"
#include "attestation/roots.h"
#include "crypto/ecdsa.h"

namespace casemate::attestation::nvidia {
namespace {

// TCG DICE Attestation Architecture: CompositeDeviceID (Hopper) and DiceTcbInfo (Blackwell).
std::vector<std::string> DiceOids() { return {"2.23.133.5.4.1", "2.23.133.5.4.1.1"}; }
constexpr std::string_view kSha384Oid = "2.16.840.1.101.3.4.2.2";
constexpr int kDeepest = 4;

// Every SEQUENCE { SHA-384, OCTET STRING of 48 } of a DICE extension.
void CollectFwids(ByteView der, int depth, std::vector<Bytes>& fwids) {
  const auto values = depth < kDeepest ? ReadDer(der) : std::nullopt;
  if (!values) {
    return;
  }
  if (values->size() == 2 && (*values)[0].tag == 6 && OidText((*values)[0].content) == kSha384Oid &&
      (*values)[1].tag == 4 && (*values)[1].content.size() == 48) {
    fwids.push_back((*values)[1].content);
    return;
  }
  for (const DerValue& value : *values) {
    if ((value.tag & 0x20) != 0) {  // constructed
      CollectFwids(value.content, depth + 1, fwids);
    }
  }
}

std::vector<Bytes> FwidsOf(const crypto::X509Certificate& certificate) {
  std::vector<Bytes> fwids;
  for (const std::string& oid : DiceOids()) {
    if (const std::optional<Bytes> extension = certificate.Extension(oid)) {
      CollectFwids(*extension, 0, fwids);
    }
  }
  std::erase_if(fwids, [](const Bytes& fwid) { return AllZero(fwid); });
  return fwids;
}

bool Signs(const crypto::X509Certificate& certificate, const Report& report) {
  return crypto::VerifyEcdsa(crypto::EcCurve::kP384, crypto::HashAlgorithm::kSha384,
                             certificate.ec_point(), report.signed_part, report.signature)
      .has_value();
}

struct Leaf {
  crypto::X509Certificate certificate;
  bool signs = false;
};

// The one that signed it; else the one that could have, so that the steps can say what differs. A
// GPU's names its firmware; a switch's may not, so then all are tried.
std::optional<Leaf> FindLeaf(const Report& report,
                             const std::vector<crypto::X509Certificate>& pool) {
  std::optional<Leaf> named;
  for (const crypto::X509Certificate& certificate : pool) {
    if (FwidsOf(certificate).empty()) {
      continue;
    }
    named = Leaf{.certificate = certificate, .signs = Signs(certificate, report)};
    if (named->signs) {
      return named;
    }
  }
  for (const crypto::X509Certificate& certificate : pool) {
    if (!named && Signs(certificate, report)) {
      return Leaf{.certificate = certificate, .signs = true};
    }
  }
  return named;
}

std::string LineOf(const std::string& name) {
  return name.starts_with("GH1")                              ? "hopper"
         : name.starts_with("GB1") || name.starts_with("GB2") ? "blackwell"
         : name.starts_with("LS10")                           ? "switch"
                                                              : "unknown";
}

void CheckChain(const Leaf& leaf, const std::vector<crypto::X509Certificate>& own,
                const std::vector<crypto::X509Certificate>& pool, const Context& context,
                Appraisal& appraisal) {
  Result<AnchoredChain> chain =
      VerifyToRoot("nvidia-device", leaf.certificate, pool, context, DiceOids());
  if (!chain) {
    appraisal.Refuse("chain", chain.error().message);
  } else {
    for (const crypto::X509Certificate& certificate : own) {
      if (std::ranges::find(chain->path, certificate.sha256(), &crypto::X509Certificate::sha256) ==
          chain->path.end()) {
        appraisal.Refuse("chain", "\"" + certificate.common_name() +
                                      "\" beside the report is no part of its chain");
        return;
      }
    }
    PassChain(*chain, context, appraisal);
    appraisal.vouchers.push_back({.role = "signing key",
                                  .holder = leaf.certificate.common_name(),
                                  .company = "made inside the chip; certified by NVIDIA",
                                  .jurisdiction = "USA",
                                  .sha256 = leaf.certificate.sha256()});
  }
  if (leaf.signs) {
    appraisal.Pass("signature", "ECDSA P-384 with SHA-384 over request and answer, by \"" +
                                    leaf.certificate.common_name() + "\"");
  } else {
    appraisal.Refuse("signature",
                     "the report was changed, or none of the certificates given signed it");
  }
}

void CheckFwid(const Report& report, const crypto::X509Certificate& leaf, Appraisal& appraisal) {
  const auto fwid = report.opaque.find(kFwid);
  if (fwid == report.opaque.end()) {
    if (report.is_switch()) {
      appraisal.Skip("fwid", "a switch's report carries no firmware id", false);
    } else {
      appraisal.Refuse("fwid", "the report carries no firmware id");
    }
    return;
  }
  const std::vector<Bytes> certified = FwidsOf(leaf);
  if (std::ranges::find(certified, fwid->second) != certified.end()) {
    appraisal.Pass("fwid", "the firmware that signed is the one that the certificate names");
  } else {
    appraisal.Refuse(
        "fwid", "the report's firmware id is " + ToHex(fwid->second) +
                    (certified.empty() ? ", the certificate names none"
                                       : ", the certificate names " + ToHex(certified.front())));
  }
}

void CheckNonce(const Report& report, const Context& context, Appraisal& appraisal) {
  const std::optional<Bytes>& expected = context.nonce;
  if (!expected) {
    appraisal.Skip("nonce", "no expected value was given (--nonce): the report may be old", false);
  } else if (*expected == report.nonce) {
    appraisal.Pass("nonce", "the report answers the nonce that was expected");
  } else {
    appraisal.Refuse(
        "nonce", "expected " + ToHex(*expected) + ", the report answers " + ToHex(report.nonce));
  }
}

constexpr std::pair<unsigned, const char*> kFieldNames[] = {{kBoardId, "board-id"},
                                                            {kChipSku, "chip-sku"},
                                                            {kProject, "project"},
                                                            {kProjectSku, "project-sku"},
                                                            {kFwid, "fwid"},
                                                            {kNvdec0, "nvdec0"},
                                                            {kProtectedPcie, "protected-pcie"},
                                                            {kSwitchPdi, "switch-pdi"},
                                                            {kFeature, "feature"}};

void AddFacts(const Report& report, Appraisal& appraisal) {
  appraisal.AddFact("nonce", ToHex(report.nonce));
  appraisal.AddFact("driver", report.driver_version());
  appraisal.AddFact("vbios", report.vbios_version());
  for (const auto& [type, name] : kFieldNames) {
    if (const auto field = report.opaque.find(type); field != report.opaque.end()) {
      appraisal.AddFact(name, ToHex(field->second));
    }
  }
  appraisal.AddFact("responder-nonce", ToHex(report.responder_nonce));
  for (const auto& [index, value] : report.blocks) {
    if (!AllZero(value)) {
      appraisal.AddFact("measurement." + std::to_string(index), ToHex(value));
    }
  }
  const auto feature = report.opaque.find(kFeature);
  if (feature != report.opaque.end() && feature->second.size() == 2) {
    const unsigned mode = GetLittle16(feature->second, 0);
    appraisal.policy.push_back(
        {.name = "gpu.protected-pcie",
         .set = mode == 2,
         .meaning = mode == 0   ? "one GPU for one VM"
                    : mode == 1 ? "several GPUs, each link encrypted"
                    : mode == 2 ? "protected PCIe: several GPUs and switches, links in the clear"
                                : "a mode that is not known here",
         .warning = mode > 1});
  }
}

std::vector<std::string> CannotShow() {
  return {
      "which machine or VM the GPU serves: a genuine GPU can be borrowed, unless its nonce or hash "
      "stands in the VM's own report data",
      "what runs on the GPU: the measurements are of its firmware",
      "whether the device's certificate was revoked, unless stored OCSP answers are given: NVIDIA "
      "publishes no lists",
      "that NVIDIA (or whoever can compel it) certified no device that does not exist"};
}

}  // namespace

Appraisal Appraise(const std::string& source, ByteView raw,
                   const std::vector<crypto::X509Certificate>& own, const Context& context) {
  Appraisal appraisal = Begin(source, Kind::kNvidiaGpu, "NVIDIA GPU report (SPDM 1.1)", context);
  Result<Report> report = ParseReport(raw);
  if (!report) {
    appraisal.Refuse("format", report.error().message);
    return appraisal;
  }
  if (report->is_switch()) {
    appraisal.kind = Kind::kNvidiaSwitch;
    appraisal.format = "NVIDIA NVSwitch report (SPDM 1.1)";
  }
  appraisal.Pass("format", std::to_string(report->blocks.size()) + " measurements, " +
                               std::to_string(report->opaque.size()) + " opaque fields");
  if (report->trailing != 0) {
    appraisal.warnings.push_back(std::to_string(report->trailing) +
                                 " bytes stand behind the report; nothing signs them");
  }
  std::vector<crypto::X509Certificate> pool = own.empty() ? context.certificates : own;
  const std::optional<Leaf> leaf = FindLeaf(*report, pool);
  std::string line = "unknown";
  if (leaf) {
    line = LineOf(leaf->certificate.common_name());
    appraisal.product = leaf->certificate.common_name();
    CheckChain(*leaf, own, pool, context, appraisal);
    CheckFwid(*report, leaf->certificate, appraisal);
  } else if (pool.empty()) {
    appraisal.Skip("chain", "give the device's certificate chain with --chain", true);
    appraisal.Skip("signature", "give the device's certificate chain with --chain", true);
  } else {
    appraisal.Refuse("chain", "none of the " + std::to_string(pool.size()) +
                                  " certificates given is the device firmware's (leaf)");
    appraisal.Refuse("signature", "none of the certificates given signed the report");
  }
  CheckNonce(*report, context, appraisal);
  CheckManifests(*report, context, appraisal);
  AddFacts(*report, appraisal);
  Close(context, {.lines = {std::move(line)}, .values = {}}, CannotShow(), appraisal);
  return appraisal;
}

}  // namespace casemate::attestation::nvidia
