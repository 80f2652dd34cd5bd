#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

// What is written down of a connection that Casemate made or accepted: who was at the other end and
// what keeps the bytes on the way closed. Never what they were.
namespace casemate::net {

enum class HopTransport : std::uint8_t {
  kTls,
  kLoopback,    // TCP that does not leave the machine, without TLS
  kUnixSocket,  // a socket in a folder that only the operator may use
  kSocketPair,  // an inherited descriptor: nobody else can hold an end
};
std::string_view HopTransportName(HopTransport transport);  // "tls", "loopback", ...

// The certificate that a hop rests on, as it says itself.
struct HopCertificate {
  bool own = false;    // ours, shown to the peer; else the peer's, shown to us
  std::string sha256;  // of its DER, hexadecimal
  std::string subject;
  std::string issuer;
  std::string public_key;      // "EC prime256v1"
  std::string signature;       // "ecdsa-with-SHA256"
  std::int64_t not_after = 0;  // UNIX seconds
  bool post_quantum = false;
};

struct HopFacts {
  std::string hop;    // which of our ends: "clients", "operator", "keeper", "gateway"
  std::string peer;   // without a port: "192.0.2.7", "2001:db8::1", "uid 0", a tenant's id
  bool made = false;  // by us; else accepted
  HopTransport transport = HopTransport::kTls;
  // Of TLS only; empty otherwise.
  std::string version;  // "TLSv1.3"
  std::string group;    // "X25519MLKEM768", as OpenSSL reads it back after the handshake
  std::string cipher;   // "TLS_AES_256_GCM_SHA384"
  std::string minimum;  // what this hop was held to: "hybrid" or "classical"
  std::shared_ptr<const HopCertificate> certificate;
};

// A connection that did not come about, because of what was, or was not, agreed on.
struct HopRefusal {
  std::string hop;
  std::string peer;
  bool made = false;
  std::string reason;    // a word: "classical", "version", "timeout", "certificate", "other"
  std::string detail;    // one sentence; the TLS library's
  std::string groups;    // what a client offered, names by ':'
  std::string versions;  // likewise
};

// "192.0.2.7", "2001:db8::1", "uid 0" of a connected socket; an IPv4 address that came over IPv6 as
// IPv4. Empty: the descriptor is no connected socket of these kinds.
std::string PeerOf(int socket);

}  // namespace casemate::net
