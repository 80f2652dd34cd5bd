#include "flows/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "flows/plain_words.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

constexpr std::size_t kMostPlainText = std::size_t{16} * 1024;  // before a STARTTLS

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
  } else if (const std::optional<FoundStartTls> found = FindStartTls(client)) {
    kind_ = Kind::kTls;
    record_.protocol = found->protocol;
    tls_at_ = found->hello_at;
    plain_.clear();
  } else if (const std::string_view known = PlainProtocol(client, record_.server.port);
             !known.empty()) {
    plain_ = known;
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
