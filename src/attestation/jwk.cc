#include "attestation/jwk.h"

#include <algorithm>
#include <optional>

#include "json/reader.h"

namespace casemate::attestation {
namespace {

constexpr std::size_t kMostKeys = 256;
constexpr std::size_t kMostCertificateText = std::size_t{16} * 1024;

std::string Text(const json::Value& object, std::string_view name) {
  const std::optional<json::Value> value = object.GetSet(name);
  return value ? value->AsName(512).value_or("") : "";
}

std::optional<crypto::EcCurve> CurveNamed(std::string_view name) {
  for (const crypto::EcCurve known :
       {crypto::EcCurve::kP256, crypto::EcCurve::kP384, crypto::EcCurve::kP521}) {
    if (name == crypto::CurveName(known)) {
      return known;
    }
  }
  return std::nullopt;
}

// x || y of the first certificate beside the key; empty when there is none that can be read.
Bytes PointOfCertificate(const json::Value& jwk, crypto::EcCurve curve) {
  const std::optional<json::Value> chain = jwk.GetSet("x5c");
  if (!chain || chain->kind() != json::Value::Kind::kArray || chain->size() == 0) {
    return {};
  }
  Result<std::string> text = chain->Elements().front().AsName(kMostCertificateText);
  Result<Bytes> der = text ? FromBase64(*text) : std::unexpected(text.error());
  Result<crypto::X509Certificate> certificate =
      der ? crypto::X509Certificate::FromDer(*der) : std::unexpected(der.error());
  if (!certificate || certificate->ec_point().size() != 2 * crypto::CoordinateSize(curve) + 1) {
    return {};
  }
  return Bytes(certificate->ec_point().begin() + 1, certificate->ec_point().end());
}

std::optional<EcPublicKey> ReadKey(const json::Value& jwk) {
  const std::optional<crypto::EcCurve> curve = CurveNamed(Text(jwk, "crv"));
  if (Text(jwk, "kty") != "EC" || !curve) {
    return std::nullopt;
  }
  EcPublicKey key{.curve = *curve, .point = {}};
  const Bytes certified = PointOfCertificate(jwk, *curve);
  if (jwk.GetSet("x") || jwk.GetSet("y")) {
    Result<Bytes> x = FromBase64Url(Text(jwk, "x"));
    Result<Bytes> y = FromBase64Url(Text(jwk, "y"));
    const std::size_t size = crypto::CoordinateSize(*curve);
    if (!x || !y || x->size() != size || y->size() != size) {
      return std::nullopt;
    }
    key.point = *std::move(x);
    Put(key.point, *y);
    if (!certified.empty() && certified != key.point) {
      return std::nullopt;  // two keys in one entry: nobody can say which is meant
    }
  } else {
    key.point = certified;
  }
  return key.point.empty() ? std::nullopt : std::optional(std::move(key));
}

}  // namespace

Result<Bytes> FromBase64Url(std::string_view text) {
  std::string standard;
  for (const char c : text) {
    if (c == '+' || c == '/' || c == '=') {
      return Fail(ErrorCode::kInvalidArgument, "expected base64url without padding");
    }
    standard += c == '-' ? '+' : c == '_' ? '/' : c;
  }
  standard.append((4 - standard.size() % 4) % 4, '=');
  return FromBase64(standard);
}

std::vector<JsonWebKey> ReadKeys(const Companion& file, std::vector<std::string>& warnings) {
  Result<json::Document> document = json::Document::Parse(
      PlaintextView::Of(AsText(file.content)),
      {.max_bytes = std::size_t{1} << 20, .max_depth = 8, .max_values = 10'000});
  if (!document) {
    warnings.push_back(file.name + " is left out: " + document.error().message);
    return {};
  }
  json::Value root = document->root();
  root = root.GetSet("keys").value_or(root);
  const std::vector<json::Value> entries =
      root.kind() == json::Value::Kind::kArray ? root.Elements() : std::vector{root};
  std::vector<JsonWebKey> keys;
  for (const json::Value& entry : entries) {
    const json::Value jwk = entry.GetSet("pkey").value_or(entry);
    std::optional<EcPublicKey> key = ReadKey(jwk);
    if (!key || keys.size() == kMostKeys) {
      warnings.push_back(file.name + ": a key is left out: expected JWK of type EC");
      continue;
    }
    keys.push_back(
        {.key = *std::move(key),
         .file = file.name,
         .kid = Text(jwk, "kid"),
         .implementation_id = FromHex(Text(entry, "implementation-id")).value_or(Bytes()),
         .instance_id = FromHex(Text(entry, "instance-id")).value_or(Bytes())});
  }
  return keys;
}

}  // namespace casemate::attestation
