#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/messages.h"
#include "secmem/plaintext.h"

// Reading one HTTP/1.1 message (RFC 9112) from bytes as they come, bounded. Framing is refused
// wherever two readers could disagree about it: Content-Length with Transfer-Encoding, two lengths,
// a coding that does not end in chunked, bare line feeds.
namespace casemate::net {

struct HttpLimits {
  std::size_t max_header_bytes = std::size_t{16} * 1024;  // start line and fields together
  std::uint64_t max_body_bytes = std::size_t{64} * 1024 * 1024;
};

struct MessageHead {
  std::string method;           // requests
  std::string target;           // requests: as sent
  std::uint16_t status = 0;     // responses
  std::vector<Header> headers;  // in the order sent, without authorization
  Plaintext authorization;      // its value, kept apart because it is a secret; empty when absent
  std::uint32_t authorizations = 0;  // how many such fields there were
  bool http11 = false;               // else HTTP/1.0

  // The value of the first field of that (lower-case) name, or nullptr.
  const std::string* Find(std::string_view name) const;
};

// Reads one message; make a new one for the next. Threads: one at a time.
class HttpParser {
 public:
  enum class Kind : unsigned char { kRequest, kResponse };
  // `no_body`: a response to HEAD, which announces a length and sends nothing.
  HttpParser(Kind kind, const HttpLimits& limits, bool no_body = false);
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;

  // Takes bytes from the front of `bytes` and returns how many; 0: it needs more than these. It
  // stops at the end of the head, so that the caller can look before the body is read.
  // Errors: kInvalidArgument: not HTTP. kTooLarge, with `param` "header" or "body": over a limit;
  // for a body with a Content-Length that is told at the end of the head.
  [[nodiscard]] Result<std::size_t> Feed(PlaintextView bytes);
  // The connection ended. Errors: kInvalidArgument: in the middle of a message.
  [[nodiscard]] Result<void> End();

  bool started() const;
  bool head_done() const;
  bool done() const;

  // What follows may be asked once head_done().
  MessageHead& head();
  std::optional<std::uint64_t> content_length() const;
  bool keep_alive() const;
  // What of the body came since the last call.
  Plaintext TakeBody();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace casemate::net
