#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "flows/tls_registry.h"

// What an SSH peer offers before any key is agreed on: its version line (RFC 4253 section 4.2) and
// its KEXINIT (section 7.1), both in plain text.
namespace casemate::flows {

struct SshOffer {
  std::string software;                   // "OpenSSH_10.0p2 Debian-7"; printable, at most 255 bytes
  std::vector<std::string> key_exchange;  // in its order of preference
  std::vector<std::string> host_keys;
  std::vector<std::string> ciphers;  // from server to client
};

// mlkem768x25519-sha256, sntrup761x25519-sha512 and mlkem1024nistp384-sha384 are kHybrid; extension
// names (ext-info-s, kex-strict-s-v00@openssh.com) are kUnknown and no key exchange.
KeyExchange SshKeyExchangeKind(std::string_view name);

// Reads a peer's side of the stream as it comes. Bounded: 64 lines before the version, 255 bytes
// each, a packet of at most 35,000 bytes (RFC 4253 section 6.1).
class SshReader {
 public:
  // The offer once it stands, an error once it cannot: kInvalidArgument with the reason.
  std::optional<Result<SshOffer>> Feed(ByteView bytes);

 private:
  std::optional<Result<SshOffer>> ReadLines();

  Bytes pending_;
  std::string software_;
  int lines_ = 0;
  bool packets_ = false;  // the version line is behind us
};

// The payload of an SSH_MSG_KEXINIT packet. kInvalidArgument with the place.
[[nodiscard]] Result<SshOffer> ParseKexInit(ByteView payload);

}  // namespace casemate::flows
