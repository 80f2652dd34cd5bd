#include "flows/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

constexpr std::size_t kMostPlainText = std::size_t{16} * 1024;  // before a STARTTLS

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

bool StartsTls(ByteView bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{22} && bytes[1] == std::byte{3} &&
         bytes[2] <= std::byte{4};
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

// The first record of a server's TLS: a ServerHello, or the alert that refuses.
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

// RFC 4253 section 7.1: the client's first that the server has too.
std::string ChosenKeyExchange(const SshOffer& client, const SshOffer& server) {
  for (const std::string& name : client.key_exchange) {
    if (SshKeyExchangeKind(name) != KeyExchange::kUnknown &&
        std::ranges::find(server.key_exchange, name) != server.key_exchange.end()) {
      return name;
    }
  }
  return {};
}

}  // namespace

std::string_view SessionVerdictName(SessionVerdict verdict) {
  switch (verdict) {
    case SessionVerdict::kHybrid:
      return "hybrid";
    case SessionVerdict::kClassical:
      return "classical";
    case SessionVerdict::kPlain:
      return "plain";
    case SessionVerdict::kRefused:
      return "refused";
    case SessionVerdict::kUnknown:
      break;
  }
  return "unknown";
}

Session::Session(const Packet& first, std::int64_t time_ms) {
  record_.client = first.source;
  record_.server = first.destination;
  record_.first_ms = time_ms;
  if (FromServer(first)) {
    std::swap(record_.client, record_.server);
  }
}

// A SYN with ACK comes from the server: the capture began between the two. Where it began later
// the lower port is taken for the server's, which it mostly is.
bool Session::FromServer(const Packet& first) {
  if (first.protocol == Packet::Protocol::kTcp && first.syn) {
    return first.ack;
  }
  return first.protocol == Packet::Protocol::kTcp && first.source.port < first.destination.port;
}

void Session::Add(const Packet& packet, bool from_client, std::int64_t time_ms) {
  record_.last_ms = time_ms;
  (from_client ? record_.client_bytes : record_.server_bytes) += packet.wire_payload;
  if (packet.protocol == Packet::Protocol::kUdp) {
    AddQuic(packet, from_client);
  } else {
    AddTcp(packet, from_client);
  }
}

void Session::AddTcp(const Packet& packet, bool from_client) {
  ByteStream& stream = from_client ? client_ : server_;
  if (packet.syn) {
    stream.Begin(packet.sequence);
  }
  const std::uint32_t behind_syn = packet.syn ? 1 : 0;
  stream.Add(packet.sequence + behind_syn, packet.payload, packet.wire_payload);
  (from_client ? client_done_ : server_done_) |= packet.fin;
  over_ = over_ || packet.rst || (client_done_ && server_done_);
  if (settled_) {
    return;
  }
  if (kind_ == Kind::kUndecided) {
    Decide();
  }
  if (kind_ == Kind::kTls) {
    LookAtTls();
  } else if (kind_ == Kind::kSsh) {
    LookAtSsh();
  }
}

void Session::Decide() {
  const Bytes& client = client_.bytes();
  const Bytes& server = server_.bytes();
  if (StartsTls(client)) {
    kind_ = Kind::kTls;
    record_.protocol = "tls";
    server_tls_found_ = true;
  } else if (AsText(client).starts_with("SSH-") || AsText(server).starts_with("SSH-")) {
    kind_ = Kind::kSsh;
    record_.protocol = "ssh";
  } else if (FindStartTls()) {
    kind_ = Kind::kTls;
    plain_.clear();
  } else {
    NotePlain();
  }
  if (kind_ != Kind::kUndecided) {
    return;
  }
  if (client.size() > kMostPlainText || server.size() > kMostPlainText ||
      (client_.stuck() && server_.stuck())) {
    kind_ = Kind::kOther;
    client_.Release();
    server_.Release();
  }
}

void Session::NotePlain() {
  const std::string_view said = AsText(client_.bytes());
  if (std::ranges::any_of(kHttpStarts,
                          [&](std::string_view start) { return said.starts_with(start); })) {
    plain_ = "http";
    return;
  }
  const auto* port = std::ranges::find(kPlainPorts, record_.server.port, &PlainPort::port);
  if (port != kPlainPorts.end() && !said.empty()) {
    plain_ = port->protocol;
  }
}

// Plain text, a word that asks for TLS, and a ClientHello behind it.
bool Session::FindStartTls() {
  const std::string_view said = AsText(client_.bytes());
  if (said.size() < 8) {
    return false;
  }
  const std::string capitals = Capitals(said);
  for (const StartTlsWord& word : kStartTlsWords) {
    const std::size_t at = capitals.find(word.word);
    if (at == std::string::npos) {
      continue;
    }
    if (const auto hello = FindClientHello(client_.bytes(), at + word.word.size())) {
      record_.protocol = word.protocol;
      tls_at_ = *hello;
      return true;
    }
  }
  // MySQL: an SSLRequest packet of 32 bytes, number 1 (Protocol::SSLRequest), then TLS.
  constexpr std::string_view kMysqlHead("\x20\x00\x00\x01", 4);
  constexpr std::size_t kMysqlRequest = 4 + 32;
  if (said.starts_with(kMysqlHead) && said.size() > kMysqlRequest &&
      FindClientHello(client_.bytes(), kMysqlRequest) == kMysqlRequest) {
    record_.protocol = "mysql";
    tls_at_ = kMysqlRequest;
    return true;
  }
  return false;
}

void Session::LookAtTls() {
  if (!record_.offer) {
    const auto offer = ReadClientHello(ByteView(client_.bytes()).subspan(tls_at_));
    if (offer && !*offer) {
      Settle(SessionVerdict::kUnknown, offer->error().message);
      return;
    }
    if (offer) {
      record_.offer = **offer;
    } else if (client_.stuck()) {
      Settle(SessionVerdict::kUnknown, "the ClientHello was not captured whole");
      return;
    }
  }
  if (!server_tls_found_) {
    // Refusals in plain text are passed over until the first TLS record.
    const auto hello = FindServerTls(server_.bytes());
    server_tls_found_ = hello.has_value();
    server_read_ = hello.value_or(0);
  }
  if (!server_tls_found_ || server_.bytes().size() <= server_read_) {
    if (server_.stuck()) {
      Settle(SessionVerdict::kUnknown, "the server's answer was not captured");
    }
    return;
  }
  const ByteView fresh = ByteView(server_.bytes()).subspan(server_read_);
  server_read_ = server_.bytes().size();
  std::optional<ServerAnswer> answer = answers_.Feed(fresh);
  while (answer && answer->kind == ServerAnswer::Kind::kRetry) {
    record_.retried = true;
    record_.retry_group = answer->group;
    record_.answer = std::move(answer);
    answer = answers_.Feed({});
  }
  if (answer) {
    record_.answer = std::move(answer);
    SettleByAnswer();
  } else if (server_.stuck()) {
    Settle(SessionVerdict::kUnknown, "the server's answer was not captured whole");
  }
}

void Session::SettleByAnswer() {
  record_.answer->certificates.clear();  // names of people may stand in them
  const ServerAnswer& answer = *record_.answer;
  if (answer.kind == ServerAnswer::Kind::kAlert) {
    Settle(SessionVerdict::kRefused, Describe(answer));
    return;
  }
  if (answer.kind != ServerAnswer::Kind::kServerHello) {
    Settle(SessionVerdict::kUnknown, Describe(answer));
    return;
  }
  if (answer.group != 0) {
    record_.key_exchange = GroupName(answer.group);
  }
  const KeyExchange kind = GroupKind(answer.group);
  const std::string what = Describe(answer);
  if (IsPostQuantum(kind)) {
    Settle(SessionVerdict::kHybrid, what);
  } else if (answer.version >= kTls13 && answer.resumed && answer.group == 0) {
    Settle(SessionVerdict::kUnknown,
           what + ", resumed without a new key exchange: as good as the session before it");
  } else if (kind == KeyExchange::kUnknown && answer.group != 0) {
    Settle(SessionVerdict::kUnknown, what + ", a group without a name here");
  } else {
    Settle(SessionVerdict::kClassical, what);
  }
}

void Session::LookAtSsh() {
  for (const bool client : {true, false}) {
    const Bytes& bytes = (client ? client_ : server_).bytes();
    std::size_t& read = client ? ssh_client_read_ : server_read_;
    std::optional<SshOffer>& offer = ssh_offers_[client ? 0 : 1];
    if (offer || bytes.size() <= read) {
      continue;
    }
    const ByteView fresh = ByteView(bytes).subspan(read);
    read = bytes.size();
    std::optional<Result<SshOffer>> found = (client ? ssh_client_ : ssh_server_).Feed(fresh);
    if (found && !*found) {
      Settle(SessionVerdict::kUnknown, found->error().message);
      return;
    }
    if (found) {
      offer = **std::move(found);
      if (!client) {
        record_.ssh_server = offer;
      }
    }
  }
  if (ssh_offers_[0] && ssh_offers_[1]) {
    record_.key_exchange = ChosenKeyExchange(*ssh_offers_[0], *ssh_offers_[1]);
    const KeyExchange kind = SshKeyExchangeKind(record_.key_exchange);
    Settle(record_.key_exchange.empty() ? SessionVerdict::kUnknown
           : IsPostQuantum(kind)        ? SessionVerdict::kHybrid
                                        : SessionVerdict::kClassical,
           record_.key_exchange.empty() ? "no key exchange in common"
                                        : "both have " + record_.key_exchange);
  } else if (client_.stuck() || server_.stuck()) {
    Settle(SessionVerdict::kUnknown, "an offer was not captured whole");
  }
}

void Session::AddQuic(const Packet& packet, bool from_client) {
  if (settled_) {
    return;
  }
  if (kind_ == Kind::kUndecided) {
    if (!from_client || !QuicHandshake::LooksLikeInitial(packet.payload)) {
      kind_ = Kind::kOther;
      return;
    }
    kind_ = Kind::kQuic;
    record_.protocol = "quic";
  }
  if (kind_ != Kind::kQuic) {
    return;
  }
  Result<void> read = from_client ? quic_.Client(packet.payload) : quic_.Server(packet.payload);
  if (!read) {
    Settle(SessionVerdict::kUnknown, read.error().message);
    return;
  }
  record_.offer = quic_.offer();
  record_.retried = quic_.retried();
  if (quic_.answer() && quic_.answer()->kind == ServerAnswer::Kind::kServerHello) {
    record_.answer = quic_.answer();
    SettleByAnswer();
  }
}

void Session::Settle(SessionVerdict verdict, std::string why) {
  settled_ = true;
  record_.verdict = verdict;
  record_.why = std::move(why);
  client_.Release();
  server_.Release();
  quic_ = {};
}

CapturedSession Session::Finish() {
  if (!settled_) {
    if (!plain_.empty()) {
      record_.protocol = plain_;
      Settle(SessionVerdict::kPlain, "no encryption: whoever records it can read it now");
    } else if (record_.answer && record_.answer->kind == ServerAnswer::Kind::kRetry) {
      Settle(SessionVerdict::kUnknown, "it ends after " + Describe(*record_.answer));
    } else if (record_.offer && over_ && !server_.from_middle() && server_.wire_bytes() == 0) {
      Settle(SessionVerdict::kRefused, "closed without an answer to the ClientHello");
    } else if (record_.offer) {
      Settle(SessionVerdict::kUnknown, "it ends without an answer to the ClientHello");
    } else {
      Settle(SessionVerdict::kUnknown, "it ends within the handshake");
    }
  }
  return std::move(record_);
}

}  // namespace casemate::flows
