#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fd.h"

namespace casemate::net {

// What a finished handshake agreed on, for reports. Nobody is authenticated by it: the chain is
// read, not verified, and the connection is closed.
struct HandshakeReport {
  std::string version;         // "TLSv1.3"
  std::string group;           // "X25519MLKEM768"; empty: none (static RSA)
  std::string cipher;          // "TLS_AES_256_GCM_SHA384"
  std::string peer_signature;  // "ecdsa_secp256r1_sha256"; empty where there is none
  std::vector<Bytes> chain;    // DER, leaf first, as the peer sent it; at most 32
};

// One client handshake by OpenSSL over a connected socket, with every group, version from TLS 1.2
// and security level 0, so that whatever the peer can do is seen. `name`: SNI, when it is a host
// name. Errors: kDeadlineExceeded; kUnavailable: the peer refused or went away, with its alert.
// Threads: any number at a time.
[[nodiscard]] Result<HandshakeReport> Handshake(UniqueFd socket, const std::string& name,
                                                std::chrono::milliseconds timeout);

}  // namespace casemate::net
