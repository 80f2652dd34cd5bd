#include "attestation/evidence.h"

#include <algorithm>

#include "attestation/azure/appraise.h"
#include "attestation/azure/envelope.h"
#include "attestation/cca/appraise.h"
#include "attestation/little_endian.h"
#include "attestation/nvidia/appraise.h"
#include "attestation/nvidia/service.h"
#include "attestation/snp/appraise.h"
#include "attestation/snp/report.h"
#include "attestation/tdx/appraise.h"
#include "json/reader.h"

namespace casemate::attestation {
namespace {

constexpr std::size_t kMaxCertificates = 256;
constexpr std::size_t kMaxCompanions = 64;

Appraisal Refused(const std::string& source, const Context& context, std::string reason) {
  Appraisal appraisal = Begin(source, Kind::kUnknown, "", context);
  appraisal.Refuse("format", std::move(reason));
  return appraisal;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (static_cast<unsigned char>(text.front()) <= ' ')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (static_cast<unsigned char>(text.back()) <= ' ')) {
    text.remove_suffix(1);
  }
  return text;
}

// Hexadecimal text, as verifiers print reports; white space between is ignored.
std::optional<Bytes> FromHexText(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') {
      continue;
    }
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!digit) {
      return std::nullopt;
    }
    digits += c;
  }
  Result<Bytes> bytes = FromHex(digits);
  return bytes && bytes->size() >= 64 ? std::optional<Bytes>(*std::move(bytes)) : std::nullopt;
}

// By what the first fields of a report must say.
bool LooksLikeSnp(ByteView raw) {
  return raw.size() >= 0x38 && GetLittle32(raw, 0) >= 1 && GetLittle32(raw, 0) <= 16 &&
         GetLittle32(raw, 0x34) == 1;
}

bool LooksLikeQuote(ByteView raw) {
  const auto version = raw.size() >= 8 ? GetLittle16(raw, 0) : 0;
  const auto tee = raw.size() >= 8 ? GetLittle32(raw, 4) : 1;
  return version >= 3 && version <= 8 && GetLittle16(raw, 2) <= 3 && (tee == 0 || tee == 0x81);
}

// GET_MEASUREMENTS of SPDM 1.1.
bool LooksLikeSpdm(ByteView raw) {
  return raw.size() > 37 && raw[0] == std::byte{0x11} && raw[1] == std::byte{0xE0};
}

// CBOR tag 399.
bool LooksLikeCca(ByteView raw) {
  return raw.size() > 3 && raw[0] == std::byte{0xD9} && raw[1] == std::byte{0x01} &&
         raw[2] == std::byte{0x8F};
}

// TDREPORT has no mark of its own: a MAC stands where others have a version.
constexpr std::size_t kTdReportBytes = 1024;

// PEM, one in DER, or a host's table of them. Nothing when it is none of these.
Result<std::optional<std::vector<crypto::X509Certificate>>> Certificates(ByteView content) {
  if (AsText(content).find("-----BEGIN CERTIFICATE-----") != std::string_view::npos) {
    auto pem = crypto::ReadPemCertificates(AsText(content));
    return pem ? Result<std::optional<std::vector<crypto::X509Certificate>>>(*std::move(pem))
               : std::unexpected(pem.error());
  }
  if (Result<crypto::X509Certificate> one = crypto::X509Certificate::FromDer(content)) {
    return std::vector{*std::move(one)};
  }
  if (auto table = snp::ReadCertificateTable(content); table && !table->empty()) {
    return *std::move(table);
  }
  return std::optional<std::vector<crypto::X509Certificate>>();
}

// What stands beside evidence and was given in its place; empty when it is nothing of the kind.
std::string RemedyFor(ByteView content) {
  if (Certificates(content).value_or(std::nullopt)) {
    return "certificates, and no evidence: give them with --chain or --collateral";
  }
  if (crypto::RevocationList::Read(content) || crypto::OcspResponse::Read(content)) {
    return "a revocation list or OCSP response, and no evidence: give it with --collateral";
  }
  const std::string_view text = AsText(content);
  if (text.contains("\"tcbInfo\"") || text.contains("\"enclaveIdentity\"") ||
      text.contains("SoftwareIdentity")) {
    return "collateral, and no evidence: give it with --collateral";
  }
  if (text.contains("\"kty\"")) {
    return "public keys, and no evidence: give them with --root";
  }
  return "";
}

std::vector<Appraisal> AppraiseRaw(const std::string& name, ByteView raw, const Context& context) {
  if (azure::LooksLikeEnvelope(raw)) {
    return {azure::Appraise(name, raw, context)};
  }
  if (LooksLikeCca(raw)) {
    return {cca::Appraise(name, raw, context)};
  }
  if (LooksLikeSnp(raw)) {
    return {snp::Appraise(name, raw, context)};
  }
  if (LooksLikeQuote(raw)) {
    return {tdx::Appraise(name, raw, context)};
  }
  if (LooksLikeSpdm(raw)) {
    return {nvidia::Appraise(name, raw, {}, context)};
  }
  if (raw.size() == kTdReportBytes) {
    return {Refused(name, context,
                    "1024 bytes of no known kind: perhaps a TDREPORT, which only the machine that "
                    "made it can check: ask its quoting service for a quote")};
  }
  if (const std::string remedy = RemedyFor(raw); !remedy.empty()) {
    return {Refused(name, context, remedy)};
  }
  return {
      Refused(name, context,
              "not evidence that is known here: expected an SEV-SNP report, a TDX or SGX quote, "
              "an NVIDIA report, an Arm CCA token or Azure's vTPM report; raw, as "
              "hexadecimal text or as JSON")};
}

std::vector<Appraisal> AppraiseJson(const std::string& name, std::string_view text,
                                    const Context& context) {
  Result<json::Document> document =
      json::Document::Parse(PlaintextView::Of(text),
                            {.max_bytes = kMaxFileBytes, .max_depth = 16, .max_values = 500'000});
  if (!document) {
    return {Refused(name, context, document.error().message)};
  }
  const json::Value root = document->root();
  if (root.Get("attestation_report")) {
    Result<snp::FieldsForm> form = snp::FromFields(root);
    if (!form) {
      Appraisal refused = Refused(name, context, form.error().message);
      refused.kind = Kind::kSevSnp;
      return {refused};
    }
    Context with = context;
    with.certificates.insert(with.certificates.end(), form->certificates.begin(),
                             form->certificates.end());
    return {snp::Appraise(name, form->report, with)};
  }
  if (nvidia::IsServiceAnswer(root)) {
    return {nvidia::AppraiseServiceAnswer(name, root, context)};
  }
  if (nvidia::IsCollection(root)) {
    return nvidia::AppraiseCollection(name, root, context);
  }
  if (nvidia::IsClaims(root)) {
    return {nvidia::AppraiseClaims(name, root, context)};
  }
  if (const std::string remedy = RemedyFor(AsBytes(text)); !remedy.empty()) {
    return {Refused(name, context, remedy)};
  }
  return {Refused(name, context,
                  "JSON, but no evidence that is known here: expected an SEV-SNP report's fields, "
                  "nvtrust's collection, or an answer or claims of NVIDIA's verifier service")};
}

Result<void> Add(std::vector<crypto::X509Certificate> more,
                 std::vector<crypto::X509Certificate>& all) {
  if (all.size() + more.size() > kMaxCertificates) {
    return Fail(ErrorCode::kTooLarge, "more than 256 certificates");
  }
  std::ranges::move(more, std::back_inserter(all));
  return {};
}

}  // namespace

Result<void> AddFile(Role role, const std::string& name, Bytes content, Context& context) {
  auto certificates = Certificates(content);
  if (!certificates) {
    return Wrap(certificates.error(), name);
  }
  if (*certificates) {
    return Add(**std::move(certificates),
               role == Role::kRoot ? context.roots : context.certificates);
  }
  if (context.collateral.size() + context.keys.size() + context.revocation_lists.size() +
          context.ocsp_responses.size() >=
      kMaxCompanions) {
    return Fail(ErrorCode::kTooLarge, "more than 64 files of collateral");
  }
  if (role == Role::kRoot) {
    const std::string_view text = Trimmed(AsText(content));
    if (!text.starts_with('{') && !text.starts_with('[')) {
      return Fail(ErrorCode::kInvalidArgument,
                  name + ": expected a certificate (PEM or DER) or a public key (JWK)");
    }
    context.keys.push_back({.name = name, .content = std::move(content)});
    return {};
  }
  if (Result<crypto::RevocationList> list = crypto::RevocationList::Read(content)) {
    context.revocation_lists.push_back(*std::move(list));
    return {};
  }
  if (Result<crypto::OcspResponse> response = crypto::OcspResponse::Read(content)) {
    context.ocsp_responses.push_back(*std::move(response));
    return {};
  }
  const std::string_view text = Trimmed(AsText(content));
  if (role == Role::kCollateral && (text.starts_with('{') || text.starts_with('<'))) {
    context.collateral.push_back({.name = name, .content = std::move(content)});
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument,
              name + (role == Role::kChain
                          ? ": expected certificates: PEM, DER, or a host's certificate table"
                          : ": expected TCB info or QE identity (JSON), a revocation list, an "
                            "OCSP response, certificates, or a reference manifest (XML)"));
}

std::vector<Appraisal> AppraiseFile(const std::string& name, ByteView content,
                                    const Context& context) {
  const std::string_view text = Trimmed(AsText(content));
  if (text.empty()) {
    return {Refused(name, context, "an empty file")};
  }
  if (content.size() > kMaxFileBytes) {
    return {Refused(name, context, "more than 4 MiB")};
  }
  if (text.front() == '{' || text.front() == '[') {
    return AppraiseJson(name, text, context);
  }
  if (nvidia::LooksLikeToken(text)) {
    return {nvidia::AppraiseOverallToken(name, text, context)};
  }
  if (const std::optional<Bytes> decoded = FromHexText(text)) {
    return AppraiseRaw(name, *decoded, context);
  }
  return AppraiseRaw(name, content, context);
}

void RequireCovered(std::vector<Appraisal>& appraisals) {
  for (Appraisal& appraisal : appraisals) {
    std::string names;
    for (const AttackResult& attack : appraisal.attacks) {
      if (attack.coverage == Coverage::kNotCovered || !attack.void_because.empty()) {
        names += (names.empty() ? "" : ", ") + attack.name;
      }
    }
    if (names.empty()) {
      appraisal.Pass("attacks", "no known attack is left uncovered by what this evidence can show",
                     false);
    } else {
      appraisal.Refuse("attacks", "--require-covered: not covered, or void: " + names);
    }
  }
}

}  // namespace casemate::attestation
