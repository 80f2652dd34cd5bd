#include "attestation/nvidia/token.h"

#include "attestation/jwk.h"
#include "json/reader.h"

namespace casemate::attestation::nvidia {

Result<SignedToken> ParseToken(std::string_view compact) {
  if (compact.size() > kMaxTokenBytes) {
    return Fail(ErrorCode::kTooLarge, "a token of more than 128 KiB");
  }
  const std::size_t first = compact.find('.');
  const std::size_t second = first == std::string_view::npos ? first : compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument, "a token has three parts with dots between");
  }
  const std::pair<const char*, std::string_view> texts[] = {
      {"header", compact.substr(0, first)},
      {"payload", compact.substr(first + 1, second - first - 1)},
      {"signature", compact.substr(second + 1)}};
  std::vector<Bytes> parts;
  for (const auto& [name, text] : texts) {
    Result<Bytes> part = FromBase64Url(text);
    if (!part) {
      return Fail(ErrorCode::kInvalidArgument,
                  std::string("the token's ") + name + " is not base64url");
    }
    parts.push_back(*std::move(part));
  }
  Result<json::Document> header = json::Document::Parse(
      PlaintextView::Of(AsText(parts[0])), {.max_bytes = 8192, .max_depth = 4, .max_values = 64});
  if (!header) {
    return Wrap(header.error(), "the token's header");
  }
  const std::optional<json::Value> algorithm = header->root().GetSet("alg");
  if (!algorithm || header->root().Get("crit")) {
    return Fail(ErrorCode::kInvalidArgument,
                algorithm ? "the token's header has \"crit\": an extension that is not known here"
                          : "the token's header has no \"alg\"");
  }
  const std::optional<json::Value> kid = header->root().GetSet("kid");
  return SignedToken{.algorithm = algorithm->AsName(32).value_or("?"),
                     .kid = kid ? kid->AsName(256).value_or("?") : "",
                     .text = std::string(compact),
                     .signed_part = Bytes(AsBytes(compact.substr(0, second)).begin(),
                                          AsBytes(compact.substr(0, second)).end()),
                     .payload = std::move(parts[1]),
                     .signature = std::move(parts[2])};
}

}  // namespace casemate::attestation::nvidia
