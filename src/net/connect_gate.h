#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "net/gate.h"

namespace casemate::net {

// Who may use connect: whoever has its token and is no web page. A page that a browser shows can
// send requests to loopback: under its own Origin, or, once its name has been made to resolve to
// 127.0.0.1 (DNS rebinding), as if it were ours, but then with its own name in Host. Both are
// refused before anything else is looked at.
class ConnectGate final : public Gate {
 public:
  struct Options {
    std::vector<std::string> hosts;    // what Host may be: "127.0.0.1:8080", "localhost:8080"
    std::vector<std::string> origins;  // pages that may ask all the same: "http://localhost:3000"
    std::array<std::byte, 32> token_digest{};  // SHA-256 of the token
  };
  explicit ConnectGate(Options options) : options_(std::move(options)) {}

  // 403 for a wrong Host ("host_not_allowed"), Origin ("origin_not_allowed") or target.
  std::optional<Refusal> Check(const MessageHead& head) const override;
  Result<void> Ready() const override { return {}; }
  [[nodiscard]] Result<Caller> Admit(const MessageHead& head) const override;
  // CORS (fetch standard, section 3.3) for the origins that may ask.
  std::string_view HopName() const override { return "local-clients"; }
  std::vector<Header> AnswerFields(const MessageHead& head) const override;

 private:
  bool MayAsk(const std::string& origin) const;
  Options options_;
};

// "http://localhost:3000", "chrome-extension://id": a scheme, "://" and an authority. Errors:
// kInvalidArgument: "*", "null", a path.
[[nodiscard]] Result<void> CheckOrigin(std::string_view origin);

}  // namespace casemate::net
