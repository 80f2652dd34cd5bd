#include "net/connect_gate.h"

#include <algorithm>

#include "crypto/hash.h"

namespace casemate::net {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

Gate::Refusal Refused(std::string message, std::string code) {
  return {.error = {.code = ErrorCode::kPermissionDenied, .message = std::move(message)},
          .status = 403,
          .code = std::move(code)};
}

// RFC 9110, section 5.6.2, as a list: what a preflight may name.
bool IsFieldNameList(std::string_view text) {
  return text.size() <= 1024 && std::ranges::all_of(text, [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '-' || c == '_' || c == ',' || c == ' ';
         });
}

}  // namespace

Result<void> CheckOrigin(std::string_view origin) {
  const std::size_t mark = origin.find("://");
  const bool good =
      mark != std::string_view::npos && mark > 0 && mark + 3 < origin.size() &&
      origin.substr(mark + 3).find_first_of("/?#@* ") == std::string_view::npos &&
      std::ranges::all_of(origin, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!good) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + std::string(origin) +
                    "' is not an origin; expected one as http://localhost:3000, without a path");
  }
  return {};
}

bool ConnectGate::MayAsk(const std::string& origin) const {
  return std::ranges::find(options_.origins, origin) != options_.origins.end();
}

std::optional<Gate::Refusal> ConnectGate::Check(const MessageHead& head) const {
  // RFC 9112, section 3.2.2: in the absolute form the target's own authority counts, not Host.
  if (!head.target.starts_with('/') && head.target != "*") {
    return Refused("connect is no forward proxy: ask for a path, such as /v1/models",
                   "host_not_allowed");
  }
  const auto hosts = std::ranges::count(head.headers, "host", &Header::name);
  const std::string* host = head.Find("host");
  if (hosts != 1 || std::ranges::none_of(options_.hosts, [host](const std::string& allowed) {
        return SameIgnoringCase(allowed, *host);
      })) {
    return Refused("the Host header must name this listener (" + options_.hosts.front() +
                       "): a web page may have been made to point here",
                   "host_not_allowed");
  }
  const auto origins = std::ranges::count(head.headers, "origin", &Header::name);
  if (origins > 1 || (origins == 1 && !MayAsk(*head.Find("origin")))) {
    return Refused("a web page of another origin asked; --allow-origin would let it",
                   "origin_not_allowed");
  }
  return std::nullopt;
}

Result<Caller> ConnectGate::Admit(const MessageHead& head) const {
  constexpr std::string_view kScheme = "Bearer ";
  const PlaintextView field =
      head.authorizations == 1 ? head.authorization.view() : PlaintextView();
  const bool bearer = SameIgnoringCase(field.Part(0, kScheme.size()).Reveal(), kScheme);
  // Digests are compared, so that time tells nothing about the token; a missing one takes the same
  // path.
  const crypto::Digest digest =
      crypto::Sha256(bearer ? field.Part(kScheme.size()).RevealBytes() : ByteView());
  if (!crypto::EqualConstantTime(digest, options_.token_digest)) {
    return Fail(ErrorCode::kUnauthenticated,
                "expected 'Authorization: Bearer TOKEN' with casemate connect's own token, which "
                "is in the file that it named at its start (not the server's API key)");
  }
  return Caller{};
}

std::vector<Header> ConnectGate::AnswerFields(const MessageHead& head) const {
  const std::string* origin = head.Find("origin");
  if (origin == nullptr || !MayAsk(*origin)) {
    return {};
  }
  std::vector<Header> fields = {{"access-control-allow-origin", *origin}, {"vary", "origin"}};
  if (head.method != "OPTIONS") {
    fields.push_back(
        {"access-control-expose-headers", "x-casemate-receipt, x-casemate-verified, x-request-id"});
    return fields;
  }
  fields.push_back({"access-control-allow-methods", "GET, POST, DELETE"});
  if (const std::string* names = head.Find("access-control-request-headers");
      names != nullptr && IsFieldNameList(*names)) {
    fields.push_back({"access-control-allow-headers", *names});
  }
  if (head.Find("access-control-request-private-network") != nullptr) {
    fields.push_back({"access-control-allow-private-network", "true"});
  }
  return fields;
}

}  // namespace casemate::net
