#include "flows/seen_server.h"

#include <algorithm>
#include <array>

#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

using Kind = ServerAnswer::Kind;

// What a server says when it wants no such key exchange or version (RFC 8446 section 6.2). Others,
// as unrecognized_name, tell nothing about it.
bool RefusesKeyExchange(const ServerAnswer& answer) {
  constexpr std::array<std::uint8_t, 5> kAlerts = {40, 47, 70, 71, 109};
  return answer.kind == Kind::kAlert && std::ranges::find(kAlerts, answer.alert) != kAlerts.end();
}

bool AnyPostQuantum(const std::vector<std::uint16_t>& groups) {
  return std::ranges::any_of(groups, [](std::uint16_t id) { return IsPostQuantum(GroupKind(id)); });
}

std::string Count(std::uint64_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::uint64_t In(const std::map<SessionVerdict, std::uint64_t>& sessions, SessionVerdict verdict) {
  const auto found = sessions.find(verdict);
  return found == sessions.end() ? 0 : found->second;
}

std::string WithoutPort(const Address& address) {
  const std::string text = address.Text();
  const std::string host = text.substr(0, text.rfind(':'));
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

void SeenServer::Add(const CapturedSession& session) {
  ++sessions_[session.verdict];
  bytes_ += session.client_bytes + session.server_bytes;
  openable_bytes_ += session.OpenableBytes();
  if (server_name_.empty() && session.offer) {
    server_name_ = session.offer->server_name;
  }
  if (session.ssh_server) {
    ssh_ = session.ssh_server;
    if (!session.key_exchange.empty() && ssh_chosen_.size() < SeenHop::kMaxNames) {
      ssh_chosen_.insert(session.key_exchange);
    }
  }
  if (session.offer && session.answer) {
    NoteTls(session);
  }
}

void SeenServer::NoteTls(const CapturedSession& session) {
  const ClientOffer& offer = *session.offer;
  ServerAnswer answer = *session.answer;
  // What it asked for counts, whether or not the client went on.
  if (session.retried && !answer.Accepted()) {
    answer = {
        .kind = Kind::kRetry, .version = kTls13, .group = session.retry_group, .certificates = {}};
  }
  const bool pq_offered = AnyPostQuantum(offer.groups);
  const bool classical_offered = std::ranges::any_of(
      offer.groups, [](std::uint16_t id) { return GroupKind(id) == KeyExchange::kClassical; });
  if (!answer.Accepted()) {
    if (!pq_offered && RefusesKeyExchange(answer)) {
      refused_classical_ = answer;
    }
    return;
  }
  if (answer.group != 0) {
    groups_.insert(answer.group);
  }
  ciphers_.insert(answer.cipher);
  const bool guessed = pq_offered && classical_offered && !AnyPostQuantum(offer.shares);
  if (IsPostQuantum(GroupKind(answer.group))) {
    hybrid_ = answer;
    asked_again_ = asked_again_ || (guessed && session.retried);
    return;
  }
  if (answer.version >= kTls13 && answer.resumed && answer.group == 0) {
    return;  // no key exchange at all
  }
  (answer.version >= kTls13 ? classical_ : older_) = answer;
  better_offered_ = better_offered_ || pq_offered;
  if (guessed && answer.version >= kTls13) {
    guess_lost_ = answer;
  }
}

Judgement SeenServer::OfHybrid() const {
  Judgement out;
  const std::string group = GroupName(hybrid_->group);
  const std::optional<ServerAnswer>& classical = classical_ ? classical_ : older_;
  if (!classical && refused_classical_) {
    out.verdict = Verdict::kHybridEnforced;
    out.reason = group + " is agreed; classical clients were refused (" +
                 Describe(*refused_classical_) + ")";
  } else if (guess_lost_) {
    out.verdict = Verdict::kHybridSupported;
    out.cve_2026_2673 = true;
    out.reason = group + " is supported, but a client that sent a classical share got classical (" +
                 Describe(*guess_lost_) + ")";
    out.findings.emplace_back(
        "the pattern of CVE-2026-2673: the server did not ask again for the better group");
  } else if (asked_again_) {
    out.verdict = Verdict::kHybridPreferred;
    out.reason = "a client that can do " + group + " was asked for it; " +
                 (classical ? "a classical client was served (" + Describe(*classical) + ")"
                            : "no client without it was seen");
  } else {
    out.verdict = Verdict::kHybridSupported;
    out.reason =
        group + (classical ? " is agreed with clients that send its share; others were served (" +
                                 Describe(*classical) + ")"
                           : " is agreed; no client offered less, so what one would get was not "
                             "seen: probe it");
  }
  return out;
}

Judgement SeenServer::OfClassical() const {
  Judgement out;
  out.verdict = Verdict::kClassical;
  const std::uint64_t plain = In(sessions_, SessionVerdict::kPlain);
  const std::optional<ServerAnswer>& classical = classical_ ? classical_ : older_;
  if (plain > 0) {
    out.reason = Count(plain, "session") + " without any encryption";
  } else {
    out.reason = "a classical client was served (" + Describe(*classical) + "); " +
                 (better_offered_ ? "clients that offered a post-quantum group did not get it"
                                  : "no client offered a post-quantum group: probe it");
  }
  return out;
}

std::optional<Judgement> SeenServer::judgement() const {
  if (In(sessions_, SessionVerdict::kPlain) > 0) {
    return OfClassical();
  }
  if (ssh_) {
    return Judge(*ssh_);
  }
  if (hybrid_) {
    return OfHybrid();
  }
  if (classical_ || older_) {
    return OfClassical();
  }
  return std::nullopt;
}

std::optional<ProbeResult> SeenServer::AsProbe() const {
  std::optional<Judgement> judged = judgement();
  if (!judged) {
    return std::nullopt;
  }
  ProbeResult result;
  result.endpoint = endpoint();
  result.judgement = *std::move(judged);
  result.ssh = ssh_;
  result.tls.groups.assign(groups_.begin(), groups_.end());
  result.tls.ciphers.assign(ciphers_.begin(), ciphers_.end());
  result.tls.pq_only = hybrid_.value_or(ServerAnswer{.certificates = {}});
  result.tls.classical_only = classical_.value_or(ServerAnswer{.certificates = {}});
  result.tls.tls12 = older_;
  return result;
}

Endpoint EndpointOf(const Address& address, const std::string& protocol) {
  const bool ssh = protocol == "ssh";
  return {.scheme = ssh ? Endpoint::Scheme::kSsh : Endpoint::Scheme::kTls,
          .host = WithoutPort(address),
          .port = address.port,
          .starttls = ssh || protocol == "tls" ? "" : protocol};
}

Endpoint SeenServer::endpoint() const { return EndpointOf(address_, protocol_); }
Endpoint SeenHop::endpoint() const { return EndpointOf(server, protocol); }

SessionVerdict SeenHop::Worst() const {
  for (const SessionVerdict verdict : {SessionVerdict::kPlain, SessionVerdict::kClassical,
                                       SessionVerdict::kUnknown, SessionVerdict::kHybrid}) {
    if (In(sessions, verdict) > 0) {
      return verdict;
    }
  }
  return SessionVerdict::kRefused;
}

void TrafficSummary::Add(const CapturedSession& session) {
  ++sessions[session.verdict];
  openable_bytes += session.OpenableBytes();
  const ServerKey key{session.server, session.protocol};
  const std::pair<std::string, ServerKey> hop_key{WithoutPort(session.client), key};
  const bool room = (servers_.contains(key) || servers_.size() < kMaxServers) &&
                    (hops_.contains(hop_key) || hops_.size() < kMaxHops);
  if (!room) {
    ++left_out;
    return;
  }
  servers_.try_emplace(key, session.server, session.protocol).first->second.Add(session);
  SeenHop& hop = hops_[hop_key];
  hop.client = hop_key.first;
  hop.server = session.server;
  hop.protocol = session.protocol;
  ++hop.sessions[session.verdict];
  hop.bytes += session.client_bytes + session.server_bytes;
  hop.openable_bytes += session.OpenableBytes();
  if (!session.key_exchange.empty() && hop.key_exchanges.size() < SeenHop::kMaxNames) {
    hop.key_exchanges.insert(session.key_exchange);
  }
}

std::vector<const SeenServer*> TrafficSummary::Servers() const {
  std::vector<const SeenServer*> out;
  out.reserve(servers_.size());
  for (const auto& [key, server] : servers_) {
    out.push_back(&server);
  }
  return out;
}

std::vector<const SeenHop*> TrafficSummary::Hops() const {
  std::vector<const SeenHop*> out;
  out.reserve(hops_.size());
  for (const auto& [key, hop] : hops_) {
    out.push_back(&hop);
  }
  std::ranges::stable_sort(out, [](const SeenHop* a, const SeenHop* b) {
    return a->openable_bytes > b->openable_bytes;
  });
  return out;
}

std::string_view VerdictText(const SeenServer& server) {
  const std::optional<Judgement> judged = server.judgement();
  return judged ? VerdictName(judged->verdict) : "unknown";
}

}  // namespace casemate::flows
