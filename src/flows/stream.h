#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fd.h"

namespace casemate::flows {

struct Endpoint {
  enum class Scheme : std::uint8_t { kTls, kSsh };
  Scheme scheme = Scheme::kTls;
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 443;
  std::string starttls;      // "smtp", ...; empty: TLS from the first byte
  std::string Text() const;  // "ssh://host:22", "[::1]:443", "mail.example:25 (smtp)"
};
// "HOST", "HOST:PORT", "[V6]:PORT", "https://HOST[:PORT]", "ssh://HOST[:PORT]"; the port follows
// from `starttls` when none is written. kInvalidArgument with what was expected.
[[nodiscard]] Result<Endpoint> ParseEndpoint(std::string_view text, std::string_view starttls = {});

// One TCP connection with a deadline for each wait, and one for all of them together: a peer that
// drips bytes must not hold a probe. Blocking, by poll(2). Threads: one at a time.
class Stream {
 public:
  // Tries the addresses that the name resolves to in order. Errors: kNotFound: the name does not
  // resolve. kUnavailable: refused or unreachable. kDeadlineExceeded.
  [[nodiscard]] static Result<Stream> Connect(const std::string& host, std::uint16_t port,
                                              std::chrono::milliseconds timeout);

  // A connected socket, made non-blocking.
  [[nodiscard]] static Result<Stream> OfSocket(UniqueFd socket, std::chrono::milliseconds timeout);

  [[nodiscard]] Result<void> Write(ByteView bytes);
  // What is there, at most 16 KiB; empty at the end. Errors: kDeadlineExceeded: nothing came;
  // kUnavailable: reset.
  [[nodiscard]] Result<Bytes> Read();
  // A descriptor that goes on where this ended, for a full handshake by somebody else.
  UniqueFd TakeSocket() { return std::move(socket_); }

 private:
  Stream(UniqueFd socket, std::chrono::milliseconds timeout)
      : socket_(std::move(socket)),
        timeout_(timeout),
        until_(std::chrono::steady_clock::now() + kWaits * timeout) {}
  [[nodiscard]] Result<void> Wait(short events);

  static constexpr int kWaits = 4;  // as many full waits as a connection may last

  UniqueFd socket_;
  std::chrono::milliseconds timeout_;
  std::chrono::steady_clock::time_point until_;
};

}  // namespace casemate::flows
