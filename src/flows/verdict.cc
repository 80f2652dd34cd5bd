#include "flows/verdict.h"

#include <algorithm>
#include <array>

#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

using Kind = ServerAnswer::Kind;

constexpr std::array<std::string_view, 6> kNames = {"hybrid-enforced",  "hybrid-preferred",
                                                    "hybrid-supported", "classical",
                                                    "broken",           "unreachable"};

bool ChosePostQuantum(const ServerAnswer& answer) {
  return answer.Accepted() && IsPostQuantum(GroupKind(answer.group));
}

bool NoTalk(const ServerAnswer& answer) {
  return answer.kind == Kind::kSilent || answer.kind == Kind::kClosed ||
         answer.kind == Kind::kReset;
}

// Whoever comes without ML-KEM is served.
const ServerAnswer* ClassicalAccepted(const TlsFindings& findings) {
  if (findings.classical_only.Accepted()) {
    return &findings.classical_only;
  }
  for (const auto* older : {&findings.tls12, &findings.tls11, &findings.tls10}) {
    if (*older && (*older)->Accepted()) {
      return &**older;
    }
  }
  return nullptr;
}

std::string SentenceAbout(const ServerAnswer& classical) {
  return "a classical client is served (" + Describe(classical) + ")";
}

Judgement WithoutPostQuantum(const TlsFindings& findings, const ServerAnswer* classical) {
  Judgement out;
  if (classical != nullptr) {
    out.verdict = Verdict::kClassical;
    out.reason = "no post-quantum group is accepted (" + Describe(findings.pq_only) + "); " +
                 SentenceAbout(*classical);
    if (findings.pq_only.kind == Kind::kSilent || findings.pq_only.kind == Kind::kReset) {
      out.findings.emplace_back(
          "a large ClientHello is not answered: something on the way may drop it (split hello)");
    }
    return out;
  }
  if (findings.pq_only.kind == Kind::kSilent && findings.classical_only.kind == Kind::kSilent) {
    out.verdict = Verdict::kUnreachable;
    out.reason = "it accepts the connection and says nothing";
    return out;
  }
  out.verdict = Verdict::kBroken;
  out.reason = NoTalk(findings.pq_only) && !NoTalk(findings.classical_only)
                   ? Describe(findings.classical_only)
                   : Describe(findings.pq_only);
  return out;
}

void NoteSplit(const TlsFindings& findings, Judgement& out) {
  if (findings.split && !ChosePostQuantum(*findings.split)) {
    out.verdict = Verdict::kBroken;
    out.reason = "a ClientHello that comes in two segments is not understood (" +
                 Describe(*findings.split) +
                 "); hybrid hellos rarely fit one, so such clients fail or fall back";
  }
}

void NoteOlderVersions(const TlsFindings& findings, Judgement& out) {
  for (const auto& [answer, name] :
       {std::pair{&findings.tls10, "TLS 1.0"}, std::pair{&findings.tls11, "TLS 1.1"}}) {
    if (*answer && (*answer)->Accepted()) {
      out.findings.push_back(std::string(name) + " is accepted: forbidden by RFC 8996");
    }
  }
  if (findings.tls12 && findings.tls12->Accepted()) {
    out.findings.emplace_back("TLS 1.2 is accepted: it has no post-quantum key exchange");
    if (findings.tls12->group == 0) {
      out.findings.push_back(CipherName(findings.tls12->cipher) +
                             ": key exchange without a named group");
    }
  }
}

}  // namespace

std::string_view VerdictName(Verdict verdict) { return kNames[static_cast<std::size_t>(verdict)]; }

std::optional<Verdict> ParseVerdict(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name);
  if (found == kNames.end()) {
    return std::nullopt;
  }
  return static_cast<Verdict>(found - kNames.begin());
}

bool AtLeast(Verdict a, Verdict b) { return a <= b; }

Judgement Judge(const TlsFindings& findings) {
  const ServerAnswer* classical = ClassicalAccepted(findings);
  if (!ChosePostQuantum(findings.pq_only)) {
    return WithoutPostQuantum(findings, classical);
  }
  Judgement out;
  const std::string group = GroupName(findings.pq_only.group);
  if (GroupKind(findings.pq_only.group) == KeyExchange::kLegacy) {
    out.findings.push_back(group + " is a draft that was given up: use X25519MLKEM768");
  }
  if (classical == nullptr) {
    out.verdict = Verdict::kHybridEnforced;
    out.reason = group + " is agreed; classical clients are refused (" +
                 Describe(findings.classical_only) + ")";
  } else if (ChosePostQuantum(findings.classical_share)) {
    out.verdict = Verdict::kHybridPreferred;
    out.reason = "a client that can do " + GroupName(findings.classical_share.group) +
                 " is asked for it; " + SentenceAbout(*classical);
  } else {
    out.verdict = Verdict::kHybridSupported;
    out.cve_2026_2673 = findings.classical_share.kind == Kind::kServerHello;
    out.reason = group +
                 " is supported, but a client that guesses a classical share gets classical (" +
                 Describe(findings.classical_share) + ")";
    if (out.cve_2026_2673) {
      out.findings.emplace_back(
          "the pattern of CVE-2026-2673: the server does not ask again for the better group; "
          "put the classical groups behind a slash");
    }
  }
  NoteSplit(findings, out);
  NoteOlderVersions(findings, out);
  return out;
}

Judgement Judge(const SshOffer& offer) {
  Judgement out;
  std::vector<std::string> classical;
  std::string best;
  bool first_is_hybrid = false;
  bool first = true;
  for (const std::string& name : offer.key_exchange) {
    const KeyExchange kind = SshKeyExchangeKind(name);
    if (kind == KeyExchange::kUnknown) {
      continue;
    }
    if (IsPostQuantum(kind)) {
      best = best.empty() ? name : best;
      first_is_hybrid = first_is_hybrid || first;
    } else {
      classical.push_back(name);
    }
    first = false;
  }
  if (best.empty()) {
    out.verdict = classical.empty() ? Verdict::kBroken : Verdict::kClassical;
    out.reason = classical.empty() ? "no key exchange that is known is offered"
                                   : "only classical key exchange is offered: " + classical.front();
    return out;
  }
  // RFC 4253 section 7.1: the client's order decides, so a server's own order is only advice.
  if (classical.empty()) {
    out.verdict = Verdict::kHybridEnforced;
    out.reason = "only " + best + " and the like are offered";
  } else if (first_is_hybrid) {
    out.verdict = Verdict::kHybridPreferred;
    out.reason = best + " stands first; a client that has only " + classical.front() + " is served";
  } else {
    out.verdict = Verdict::kHybridSupported;
    out.reason = best + " is offered behind " + classical.front();
  }
  return out;
}

std::string Remedy(Verdict verdict, bool ssh) {
  if (verdict == Verdict::kHybridEnforced) {
    return {};
  }
  if (verdict == Verdict::kUnreachable) {
    return "check the name, the port and the firewall; then probe again\n";
  }
  if (ssh) {
    return "OpenSSH >= 9.9, sshd_config:  KexAlgorithms mlkem768x25519-sha256,"
           "sntrup761x25519-sha512@openssh.com\n";
  }
  // Groups of one rank stand between colons; a slash begins the next rank, and a server that knows
  // it asks for a share of the better rank (OpenSSL >= 3.5, SSL_CTX_set1_groups_list(3)).
  return "hybrid only:       X25519MLKEM768:SecP384r1MLKEM1024:SecP256r1MLKEM768\n"
         "hybrid preferred:  X25519MLKEM768:SecP256r1MLKEM768 / X25519:secp256r1\n"
         "OpenSSL >= 3.5.6:  openssl.cnf  Groups = LIST          (or SSL_CTX_set1_groups_list)\n"
         "nginx:             ssl_protocols TLSv1.3; ssl_ecdh_curve LIST;\n"
         "HAProxy >= 3.0:    bind ... curves LIST ssl-min-ver TLSv1.3\n"
         "Envoy:             tls_params: {tls_minimum_protocol_version: TLSv1_3, "
         "ecdh_curves: [X25519MLKEM768]}\n"
         "PostgreSQL >= 18:  ssl_groups = 'LIST'; ssl_min_protocol_version = 'TLSv1.3'\n";
}

}  // namespace casemate::flows
