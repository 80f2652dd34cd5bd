#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

// What stands in plain text where a connection begins: TLS itself, words that ask for TLS, or a
// protocol without any.
namespace casemate::flows {

// A TLS handshake record, as far as its first three bytes tell.
bool StartsTls(ByteView bytes);

struct FoundStartTls {
  std::string protocol;      // "smtp", "postgres", ...
  std::size_t hello_at = 0;  // where the ClientHello's record begins
};
// In what a client said: a word that asks for TLS, and a ClientHello behind it.
std::optional<FoundStartTls> FindStartTls(ByteView client);
// In what a server said: where its TLS begins, with a ServerHello or the alert that refuses.
std::optional<std::size_t> FindServerTls(ByteView server);
// HTTP by its words on any port, others by their usual port; empty: neither.
std::string_view PlainProtocol(ByteView client, std::uint16_t server_port);

}  // namespace casemate::flows
