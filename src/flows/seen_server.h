#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "flows/probe.h"
#include "flows/session.h"
#include "flows/verdict.h"

// From the sessions of a capture to what they tell about the servers in them.
namespace casemate::flows {

// A protocol beside TLS and SSH stands where a STARTTLS one does: "10.0.0.1:443 (quic)".
Endpoint EndpointOf(const Address& address, const std::string& protocol);

// One server as its clients' hellos and its answers showed it. A capture asks nothing, so the
// verdict is what was proven, and the reason says what was not seen.
class SeenServer {
 public:
  SeenServer(const Address& address, std::string protocol)
      : address_(address), protocol_(std::move(protocol)) {}
  void Add(const CapturedSession& session);

  const Address& address() const { return address_; }
  Endpoint endpoint() const;
  const std::string& protocol() const { return protocol_; }  // "tls", "ssh", "postgres", ...
  // The first name that a client asked for, or empty.
  const std::string& server_name() const { return server_name_; }
  const std::map<SessionVerdict, std::uint64_t>& sessions() const { return sessions_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t openable_bytes() const { return openable_bytes_; }
  // Nothing: no session of it tells (cut, resumed, begun before the capture).
  std::optional<Judgement> judgement() const;
  // The same in the form of a probe, for the reports that have it; only with a judgement.
  std::optional<ProbeResult> AsProbe() const;

 private:
  void NoteTls(const CapturedSession& session);
  Judgement OfHybrid() const;
  Judgement OfClassical() const;

  Address address_;
  std::string protocol_;
  std::string server_name_;
  std::map<SessionVerdict, std::uint64_t> sessions_;
  std::uint64_t bytes_ = 0;
  std::uint64_t openable_bytes_ = 0;
  std::set<std::uint16_t> groups_;          // chosen
  std::set<std::uint16_t> ciphers_;         // chosen
  std::optional<ServerAnswer> hybrid_;      // a post-quantum group was chosen or asked for
  std::optional<ServerAnswer> classical_;   // chosen, TLS 1.3
  std::optional<ServerAnswer> older_;       // TLS 1.2 or older
  std::optional<ServerAnswer> guess_lost_;  // hybrid offered, classical share sent: classical
  bool asked_again_ = false;                // the same, and the server asked for the better one
  bool better_offered_ = false;             // a client offered hybrid and got classical
  std::optional<ServerAnswer> refused_classical_;
  std::optional<SshOffer> ssh_;
  std::set<std::string> ssh_chosen_;
};

// Who spoke to whom: all sessions of one client address with one server.
struct SeenHop {
  std::string client;  // an address without a port
  Address server;
  std::string protocol;
  Endpoint endpoint() const;  // of the server
  std::map<SessionVerdict, std::uint64_t> sessions;
  std::set<std::string> key_exchanges;  // at most kMaxNames
  std::uint64_t bytes = 0;
  std::uint64_t openable_bytes = 0;

  static constexpr std::size_t kMaxNames = 8;
  // The worst of its sessions: plain, classical, unknown, refused, hybrid.
  SessionVerdict Worst() const;
};

// Everything that was seen, bounded: at most kMaxServers servers and kMaxHops hops are told apart;
// sessions of further ones are counted in the totals only.
class TrafficSummary {
 public:
  static constexpr std::size_t kMaxServers = 10'000;
  static constexpr std::size_t kMaxHops = 50'000;

  void Add(const CapturedSession& session);

  std::vector<const SeenServer*> Servers() const;  // by address
  std::vector<const SeenHop*> Hops() const;        // what is openable first
  std::map<SessionVerdict, std::uint64_t> sessions;
  std::uint64_t openable_bytes = 0;
  std::uint64_t left_out = 0;  // sessions whose server or hop is not listed

 private:
  using ServerKey = std::pair<Address, std::string>;
  std::map<ServerKey, SeenServer> servers_;
  std::map<std::pair<std::string, ServerKey>, SeenHop> hops_;
};

// The judgement's verdict, or "unknown".
std::string_view VerdictText(const SeenServer& server);

}  // namespace casemate::flows
