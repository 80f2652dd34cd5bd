#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace casemate::flows {

// What a server said to one ClientHello, as far as it can be read without a key.
struct ServerAnswer {
  enum class Kind : std::uint8_t {
    kServerHello,  // it chose; `group` is what both would use
    kRetry,        // HelloRetryRequest: it wants a share of `group`
    kAlert,        // it refused, and said so
    kClosed,       // it refused by closing
    kReset,
    kSilent,  // accepted the connection and said nothing in time
    kNotTls,  // `reason` says what it looks like
    kBroken,  // TLS, but malformed; `reason` has the place
  };
  Kind kind = Kind::kSilent;
  std::uint16_t version = 0;  // kTls13, ...
  std::uint16_t cipher = 0;
  std::uint16_t group =
      0;                 // 0: none (static RSA, or TLS 1.2 finite field groups that are not named)
  bool resumed = false;  // TLS 1.3: a pre-shared key was taken
  std::uint8_t alert = 0;
  std::vector<Bytes> certificates;  // DER, leaf first; TLS 1.2 and older show them in plain text
  std::uint16_t signature = 0;      // of the key exchange, TLS 1.2
  std::string reason = {};

  bool Accepted() const { return kind == Kind::kServerHello || kind == Kind::kRetry; }
};
std::string Describe(const ServerAnswer& answer);  // "HelloRetryRequest for X25519MLKEM768"

// Reads a server's first flight from a stream of bytes: TLS records (RFC 8446 section 5.1), the
// handshake messages in them, up to ServerHello or HelloRetryRequest, and for TLS 1.2 on to
// ServerKeyExchange, which names the curve. Bounded: 1 MiB of flight, 64 records of no use.
class AnswerReader {
 public:
  static constexpr std::size_t kMaxFlight = std::size_t{1024} * 1024;

  // More bytes as they came. Returns the answer as soon as it stands; after a kRetry the next call
  // goes on to the answer to the second ClientHello.
  std::optional<ServerAnswer> Feed(ByteView bytes);
  // No more bytes come. `why`: kClosed, kReset or kSilent.
  ServerAnswer End(ServerAnswer::Kind why);

 private:
  std::optional<ServerAnswer> NextRecord();
  std::optional<ServerAnswer> NextMessage();
  std::optional<ServerAnswer> Message(std::uint8_t type, ByteView body);

  Bytes records_;    // what came and is not yet a whole record
  Bytes handshake_;  // handshake bytes of whole records, not yet a whole message
  std::size_t seen_ = 0;
  std::optional<ServerAnswer> hello_;  // TLS 1.2: waits for the key exchange
};

// The body of a ServerHello message (without its 4-byte header). kInvalidArgument with the place.
[[nodiscard]] Result<ServerAnswer> ParseServerHello(ByteView body);

}  // namespace casemate::flows
