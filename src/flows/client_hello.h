#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

// A ClientHello written by hand (RFC 8446 section 4.1.2), to ask a server what it would choose.
// The answer's first flight tells the group in plain text, so no key is ever agreed on and no
// ML-KEM implementation is needed: the shares only have to look like public keys.
namespace casemate::flows {

struct HelloSpec {
  std::string server_name;              // SNI; empty, or an address: left out
  std::vector<std::uint16_t> versions;  // highest first; {kTls13}, {kTls12}, {kTls10}, ...
  std::vector<std::uint16_t> groups;    // supported_groups, in order of preference
  std::vector<std::uint16_t> shares;    // of these, with a key share: those that MakeShare makes
  std::vector<std::uint16_t> ciphers;   // empty: the usual ones of the versions
};

// The handshake in one TLS record. Fresh randomness each time, from getrandom(2).
Bytes BuildClientHello(const HelloSpec& spec);

// A key share that a server accepts as well formed: random for X25519 and X448, the base point for
// the NIST curves (SEC 2), and for ML-KEM an encapsulation key that passes the modulus check of
// FIPS 203 section 7.2: coefficients uniform in [0, 3328], 12 bits each, and 32 random bytes.
// Empty for a group that has no entry with share_bytes.
Bytes MakeShare(std::uint16_t group);

}  // namespace casemate::flows
