#pragma once

#include <string>
#include <string_view>

namespace casemate::net {

// What a client said in its ClientHello, for the log of a refusal.
struct ClientHello {
  std::string groups;    // names, or 0x... where OpenSSL has none, in the client's order, by ':'
  std::string versions;  // of supported_versions; empty: no TLS 1.3 client
};

// Whether a key agreement group of that name ("X25519MLKEM768") resists a quantum computer and
// still holds if ML-KEM does not. OpenSSL's hybrid groups are named after both halves: MLKEM768
// alone is no hybrid.
inline bool IsHybridGroup(std::string_view group) {
  const std::size_t at = group.find("MLKEM");
  return at != std::string_view::npos && at > 0;
}

}  // namespace casemate::net
