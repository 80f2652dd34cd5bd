#include "flows/plain_words.h"

#include <algorithm>
#include <array>

namespace casemate::flows {
namespace {

struct StartTlsWord {
  std::string_view protocol;
  std::string_view word;  // in what the client says, ASCII letters in capitals
};
constexpr std::array<StartTlsWord, 6> kStartTlsWords = {{
    {"smtp", "\r\nSTARTTLS"},
    {"imap", " STARTTLS"},
    {"pop3", "STLS\r\n"},
    {"xmpp", "<STARTTLS"},
    {"ldap", "1.3.6.1.4.1.1466.20037"},
    {"postgres", std::string_view("\x00\x00\x00\x08\x04\xd2\x16\x2f", 8)},
}};

struct PlainPort {
  std::uint16_t port;
  std::string_view protocol;
};
// Where a session that never starts TLS tells all it says.
constexpr std::array<PlainPort, 9> kPlainPorts = {{{25, "smtp"},
                                                   {587, "smtp"},
                                                   {143, "imap"},
                                                   {110, "pop3"},
                                                   {389, "ldap"},
                                                   {5432, "postgres"},
                                                   {3306, "mysql"},
                                                   {5222, "xmpp"},
                                                   {6379, "redis"}}};
constexpr std::array<std::string_view, 7> kHttpStarts = {"GET ",    "POST ",  "PUT ",    "HEAD ",
                                                         "DELETE ", "PATCH ", "OPTIONS "};

std::string Capitals(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

// The first ClientHello record in `bytes`, from `from` on.
std::optional<std::size_t> FindClientHello(ByteView bytes, std::size_t from) {
  for (std::size_t at = from; at + 6 <= bytes.size(); ++at) {
    if (StartsTls(bytes.subspan(at)) && bytes[at + 5] == std::byte{1}) {
      return at;
    }
  }
  return std::nullopt;
}

}  // namespace

bool StartsTls(ByteView bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{22} && bytes[1] == std::byte{3} &&
         bytes[2] <= std::byte{4};
}

std::optional<FoundStartTls> FindStartTls(ByteView client) {
  const std::string_view said = AsText(client);
  if (said.size() < 8) {
    return std::nullopt;
  }
  const std::string capitals = Capitals(said);
  for (const StartTlsWord& word : kStartTlsWords) {
    const std::size_t at = capitals.find(word.word);
    if (at == std::string::npos) {
      continue;
    }
    if (const auto hello = FindClientHello(client, at + word.word.size())) {
      return FoundStartTls{std::string(word.protocol), *hello};
    }
  }
  // MySQL: an SSLRequest packet of 32 bytes, number 1 (Protocol::SSLRequest), then TLS.
  constexpr std::string_view kMysqlHead("\x20\x00\x00\x01", 4);
  constexpr std::size_t kMysqlRequest = 4 + 32;
  if (said.starts_with(kMysqlHead) && said.size() > kMysqlRequest &&
      FindClientHello(client, kMysqlRequest) == kMysqlRequest) {
    return FoundStartTls{"mysql", kMysqlRequest};
  }
  return std::nullopt;
}

std::optional<std::size_t> FindServerTls(ByteView bytes) {
  for (std::size_t at = 0; at + 6 <= bytes.size(); ++at) {
    const ByteView here = bytes.subspan(at);
    const bool alert = here[0] == std::byte{21} && here[1] == std::byte{3} &&
                       here[2] <= std::byte{4} && GetU16(here, 3) == 2;
    if (alert || (StartsTls(here) && here[5] == std::byte{2})) {
      return at;
    }
  }
  return std::nullopt;
}

std::string_view PlainProtocol(ByteView client, std::uint16_t server_port) {
  const std::string_view said = AsText(client);
  if (std::ranges::any_of(kHttpStarts,
                          [&](std::string_view start) { return said.starts_with(start); })) {
    return "http";
  }
  const auto* port = std::ranges::find(kPlainPorts, server_port, &PlainPort::port);
  return port != kPlainPorts.end() && !said.empty() ? port->protocol : std::string_view();
}

}  // namespace casemate::flows
