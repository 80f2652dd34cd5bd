#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "flows/stream.h"
#include "flows/verdict.h"

// Asks one endpoint what it would agree to, by handshakes that are never finished, and one that is.
namespace casemate::flows {

struct CertificateFacts {
  std::string subject;
  std::string issuer;
  std::string public_key;       // "EC P-256", "RSA 2048", "ML-DSA-65"
  std::string signature;        // "ecdsa-with-SHA256"
  std::int64_t not_before = 0;  // unix seconds
  std::int64_t not_after = 0;
  std::size_t der_bytes = 0;
  std::string sha256;         // of the DER, hex
  bool post_quantum = false;  // signed by ML-DSA or SLH-DSA
};

// A finished handshake by an independent implementation (OpenSSL, in net/).
struct FullHandshake {
  std::string version;  // "TLSv1.3"
  std::string group;    // "X25519MLKEM768"
  std::string cipher;
  std::string peer_signature;  // "ecdsa_secp256r1_sha256"
  std::vector<CertificateFacts> chain;
};
using FullHandshaker = std::function<Result<FullHandshake>(UniqueFd socket, const std::string& name,
                                                           std::chrono::milliseconds timeout)>;

struct ProbeOptions {
  std::chrono::milliseconds timeout{5000};  // of each wait
  bool quick = false;                       // the three handshakes and TLS 1.2 only
  FullHandshaker full_handshake;            // none: no certificates, no confirmation
};

struct ProbeResult {
  Endpoint endpoint;
  Judgement judgement;
  TlsFindings tls;              // of a TLS endpoint
  std::optional<SshOffer> ssh;  // of an SSH endpoint
  std::optional<FullHandshake> full;
  std::string full_error;  // why there is none
  std::uint32_t handshakes = 0;
  std::chrono::milliseconds took{0};
};

// Never fails: an endpoint that cannot be probed has the verdict kUnreachable or kBroken, and the
// reason. Threads: any number at a time.
ProbeResult Probe(const Endpoint& endpoint, const ProbeOptions& options);

// All of them, `parallel` at a time (1 to 256), in the order of `endpoints`; `done` is called as
// each ends, one at a time.
std::vector<ProbeResult> ProbeAll(const std::vector<Endpoint>& endpoints,
                                  const ProbeOptions& options, unsigned parallel,
                                  const std::function<void(const ProbeResult&)>& done = {});

}  // namespace casemate::flows
