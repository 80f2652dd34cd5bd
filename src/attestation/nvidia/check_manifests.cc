#include "attestation/nvidia/check_manifests.h"

#include <algorithm>

#include "attestation/rim/manifest.h"
#include "attestation/roots.h"

namespace casemate::attestation::nvidia {
namespace {

// Compares the active values; the manifest's index counts from 0, the report's from 1.
void CompareValues(const rim::Manifest& manifest, const Report& report, const std::string& step,
                   Appraisal& appraisal) {
  std::size_t compared = 0;
  for (const rim::ReferenceValue& value : manifest.values) {
    if (!value.active) {
      continue;
    }
    const auto block = report.blocks.find(value.index + 1);
    const bool matches =
        block != report.blocks.end() &&
        std::ranges::find(value.alternatives, block->second) != value.alternatives.end();
    if (!matches) {
      appraisal.Refuse(step, "measurement " + std::to_string(value.index + 1) + " is none of the " +
                                 std::to_string(value.alternatives.size()) +
                                 " values of the manifest for " + manifest.version);
      return;
    }
    ++compared;
  }
  if (compared == 0) {
    appraisal.Refuse(step, "the manifest for " + manifest.version + " has no active value");
    return;
  }
  appraisal.Pass(step, std::to_string(compared) + " measurements are those of the manifest for " +
                           manifest.version);
}

// A manifest whose signature and chain hold; else the steps have said why not.
bool CheckManifest(const std::string& file, const rim::Manifest& manifest, const Context& context,
                   Appraisal& appraisal) {
  if (!manifest.signature_holds) {
    appraisal.Refuse("rim-signature", file + ": " + manifest.signature_failure);
    return false;
  }
  std::vector<crypto::X509Certificate> certificates;
  for (const Bytes& der : manifest.certificates) {
    Result<crypto::X509Certificate> certificate = crypto::X509Certificate::FromDer(der);
    if (!certificate) {
      appraisal.Refuse("rim-signature", file + ": " + certificate.error().message);
      return false;
    }
    certificates.push_back(*std::move(certificate));
  }
  Result<AnchoredChain> chain =
      VerifyToRoot("nvidia-rim", certificates.front(), certificates, context);
  if (!chain) {
    appraisal.Refuse("rim-signature", file + ": " + chain.error().message);
    return false;
  }
  appraisal.Pass("rim-signature", file + ": signed by \"" + certificates.front().common_name() +
                                      "\", to the pinned root");
  AppraiseChain(*chain, context, "rim-", appraisal);
  return true;
}

}  // namespace

std::string Lower(std::string text) {
  for (char& c : text) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

void CheckManifests(const Report& report, const Context& context, Appraisal& appraisal) {
  bool driver = false;
  bool vbios = false;
  for (const Companion& file : context.collateral) {
    if (!AsText(file.content).contains("SoftwareIdentity")) {
      continue;
    }
    Result<rim::Manifest> manifest = rim::ReadManifest(file.content);
    if (!manifest) {
      appraisal.Refuse("rim-signature", file.name + ": " + manifest.error().message);
      continue;
    }
    if (!CheckManifest(file.name, *manifest, context, appraisal)) {
      continue;
    }
    // A VBIOS has five numbers ("96.00.9F.00.01"), a driver two or three.
    const bool for_vbios = std::ranges::count(manifest->version, '.') == 4;
    const std::string step = for_vbios ? "rim-vbios" : "rim-driver";
    const std::string found = for_vbios ? report.vbios_version() : report.driver_version();
    (for_vbios ? vbios : driver) = true;
    if (Lower(manifest->version) != Lower(found)) {
      appraisal.Refuse(step, file.name + " is for " + manifest->version + ", the report says " +
                                 found + ": give the manifest for that version");
      continue;
    }
    CompareValues(*manifest, report, step, appraisal);
  }
  for (const auto& [given, step] : {std::pair{driver, "rim-driver"}, {vbios, "rim-vbios"}}) {
    if (!given) {
      appraisal.Skip(step,
                     "no reference manifest was given (--collateral): what the measurements "
                     "mean is not known",
                     false);
    }
  }
}

}  // namespace casemate::attestation::nvidia
