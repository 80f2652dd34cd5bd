#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flows/server_answer.h"
#include "flows/ssh_kexinit.h"

// From what an endpoint answered to what that means for traffic that somebody records today.
namespace casemate::flows {

enum class Verdict : std::uint8_t {
  kHybridEnforced,   // nothing but a post-quantum key exchange is accepted
  kHybridPreferred,  // classical clients are served, but who can do better gets better
  kHybridSupported,  // a client that sends a classical share first gets classical
  kClassical,
  kBroken,       // speaks, but not so that a verdict is possible; the reason says how
  kUnreachable,  // no connection, or no answer
};
// "hybrid-enforced"; the order of the enum is from best to worst.
std::string_view VerdictName(Verdict verdict);
std::optional<Verdict> ParseVerdict(std::string_view name);
// The two verdicts say the same or `a` is the better one.
bool AtLeast(Verdict a, Verdict b);

// The three questions and those beside them, as answered. An absent one was not asked.
struct TlsFindings {
  ServerAnswer pq_only;          // post-quantum groups alone, with a share
  ServerAnswer classical_share;  // both listed, post-quantum first, but only an X25519 share sent
  ServerAnswer classical_only;   // classical groups alone
  std::optional<ServerAnswer> tls12;  // TLS 1.2 alone
  std::optional<ServerAnswer> tls11;
  std::optional<ServerAnswer> tls10;
  std::optional<ServerAnswer> split;   // as pq_only, the ClientHello in two TCP segments
  std::vector<std::uint16_t> groups;   // each accepted when it was offered alone
  std::vector<std::uint16_t> ciphers;  // of TLS 1.3, likewise
};

struct Judgement {
  Verdict verdict = Verdict::kUnreachable;
  std::string reason;                 // one sentence: what was seen
  std::vector<std::string> findings;  // more things that an operator must know
  bool cve_2026_2673 = false;  // the pattern: supported, yet a guessing client gets classical
};
Judgement Judge(const TlsFindings& findings);
Judgement Judge(const SshOffer& offer);

// What to change, for servers that we know how to configure; a block of lines.
std::string Remedy(Verdict verdict, bool ssh);

}  // namespace casemate::flows
