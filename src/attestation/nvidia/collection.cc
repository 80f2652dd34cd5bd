#include "attestation/nvidia/appraise.h"
#include "attestation/nvidia/check_manifests.h"

// What nvtrust collects: a JSON list of devices, each with its report and chain in base64.
namespace casemate::attestation::nvidia {

bool IsCollection(const json::Value& root) {
  if (root.kind() != json::Value::Kind::kArray || root.size() == 0) {
    return false;
  }
  const json::Value first = root.Elements().front();
  return first.Get("evidence") && first.Get("certificate");
}

std::vector<Appraisal> AppraiseCollection(const std::string& source, const json::Value& root,
                                          const Context& context) {
  constexpr std::size_t kMostDevices = 64;
  constexpr std::size_t kMostText = std::size_t{256} * 1024;  // base64
  std::vector<Appraisal> appraisals;
  for (const json::Value& entry : root.Elements()) {
    const std::string name = source + "#" + std::to_string(appraisals.size());
    const auto bytes = [&](const char* member) -> Result<Bytes> {
      Result<json::Value> value = entry.Require(member);
      Result<std::string> text = value ? value->AsName(kMostText) : std::unexpected(value.error());
      return text ? FromBase64(*text) : std::unexpected(text.error());
    };
    Result<Bytes> evidence = bytes("evidence");
    Result<Bytes> pem = bytes("certificate");
    Result<std::vector<crypto::X509Certificate>> chain =
        pem ? crypto::ReadPemCertificates(AsText(*pem), 16) : std::unexpected(pem.error());
    if (!evidence || !chain || appraisals.size() == kMostDevices) {
      Appraisal refused = Begin(name, Kind::kNvidiaGpu, "", context);
      refused.Refuse("format", !evidence ? "evidence: " + evidence.error().message
                               : !chain  ? "certificate: " + chain.error().message
                                         : "more than 64 devices");
      appraisals.push_back(std::move(refused));
      break;
    }
    appraisals.push_back(Appraise(name, *evidence, *chain, context));
    const std::optional<json::Value> nonce = entry.GetSet("nonce");
    const NamedValue& signed_nonce =
        appraisals.back().facts.empty() ? NamedValue{} : appraisals.back().facts.front();
    if (nonce && Lower(nonce->AsName(64).value_or("")) != signed_nonce.value) {
      appraisals.back().warnings.emplace_back(
          "the collection names another nonce than the one in the signed report");
    }
  }
  return appraisals;
}

}  // namespace casemate::attestation::nvidia
