#include "custody/server/token_uri.h"

#include "base/bytes.h"

namespace casemate::custody {
namespace {

constexpr std::size_t kMaxUri = 4096;

// RFC 3986, section 2.1.
Result<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) {
      return Fail(ErrorCode::kInvalidArgument, "token URI: '%' without two hexadecimal digits");
    }
    Result<Bytes> byte = FromHex(text.substr(i + 1, 2));
    if (!byte || (*byte)[0] == std::byte{0}) {
      return Fail(ErrorCode::kInvalidArgument, "token URI: '%' without two hexadecimal digits");
    }
    out.push_back(static_cast<char>((*byte)[0]));
    i += 2;
  }
  return out;
}

std::string* FieldOf(TokenUri& uri, std::string_view name, bool query) {
  if (query) {
    return name == "module-path" ? &uri.module_path : nullptr;
  }
  if (name == "token") {
    return &uri.token;
  }
  if (name == "serial") {
    return &uri.serial;
  }
  if (name == "manufacturer") {
    return &uri.manufacturer;
  }
  return name == "model" ? &uri.model : nullptr;
}

Result<void> ParseAttributes(TokenUri& uri, std::string_view text, char separator, bool query) {
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    const std::string_view one = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::size_t equals = one.find('=');
    std::string* field =
        equals == std::string_view::npos ? nullptr : FieldOf(uri, one.substr(0, equals), query);
    if (field == nullptr || !field->empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "token URI: expected each of token, serial, manufacturer, model and module-path "
                  "at most once, and nothing else");
    }
    Result<std::string> value = PercentDecode(one.substr(equals + 1));
    if (!value) {
      return std::unexpected(value.error());
    }
    *field = std::move(*value);
  }
  return {};
}

}  // namespace

Result<TokenUri> ParseTokenUri(std::string_view text) {
  constexpr std::string_view kScheme = "pkcs11:";
  if (text.size() > kMaxUri || !text.starts_with(kScheme)) {
    return Fail(ErrorCode::kInvalidArgument,
                "token URI: expected 'pkcs11:...' of at most 4096 bytes (RFC 7512)");
  }
  text.remove_prefix(kScheme.size());
  const std::size_t question = text.find('?');
  TokenUri uri;
  if (Result<void> path = ParseAttributes(uri, text.substr(0, question), ';', false); !path) {
    return std::unexpected(path.error());
  }
  if (question != std::string_view::npos) {
    if (Result<void> query = ParseAttributes(uri, text.substr(question + 1), '&', true); !query) {
      return std::unexpected(query.error());
    }
  }
  return uri;
}

}  // namespace casemate::custody
