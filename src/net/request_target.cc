#include "net/request_target.h"

#include <optional>

namespace casemate::net {
namespace {

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return std::nullopt;
}

std::unexpected<Error> BadTarget(const char* why) {
  return Fail(ErrorCode::kInvalidArgument, std::string("the request's target ") + why);
}

Result<std::string> DecodePath(std::string_view path) {
  std::string decoded;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      const auto high = i + 1 < path.size() ? HexDigit(path[i + 1]) : std::nullopt;
      const auto low = i + 2 < path.size() ? HexDigit(path[i + 2]) : std::nullopt;
      if (!high || !low) {
        return BadTarget("has a broken percent escape");
      }
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
      if (c == '/') {
        return BadTarget("has an escaped slash");  // two readers would route it differently
      }
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return BadTarget("has a control character");
    }
    decoded += c;
  }
  return decoded;
}

bool HasDotSegment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") {
      return true;
    }
    path.remove_prefix(segment.size());
  }
  return false;
}

}  // namespace

Result<RequestTarget> ParseTarget(std::string_view target) {
  if (target == "*") {
    return RequestTarget{.path = "*", .query = {}};
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.starts_with(scheme)) {
      target.remove_prefix(scheme.size());
      target.remove_prefix(std::min(target.find('/'), target.size()));
      break;
    }
  }
  if (!target.starts_with('/')) {
    return BadTarget("does not begin with a slash");
  }
  const std::size_t mark = target.find('?');
  Result<std::string> path = DecodePath(target.substr(0, mark));
  if (!path) {
    return std::unexpected(path.error());
  }
  if (HasDotSegment(*path)) {
    return BadTarget("has a dot segment");
  }
  return RequestTarget{
      .path = std::move(*path),
      .query = mark == std::string_view::npos ? "" : std::string(target.substr(mark + 1))};
}

std::vector<Header> FilterHeaders(const std::vector<Header>& headers) {
  std::vector<Header> kept;
  for (const Header& header : headers) {
    const std::string& name = header.name;
    if (name == "content-type" || name == "accept" || name == "user-agent" ||
        name.starts_with("openai-") ||
        (name.starts_with("x-casemate-") && name != "x-casemate-tenant")) {
      kept.push_back(header);
    }
  }
  return kept;
}

}  // namespace casemate::net
