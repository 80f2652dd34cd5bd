#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attestation/cbor/value.h"
#include "attestation/jwk.h"
#include "base/bytes.h"
#include "base/error.h"
#include "crypto/ecdsa.h"

// Arm CCA attestation tokens: draft-ffm-rats-cca-token, two COSE_Sign1 (RFC 9052) of claims, one by
// the platform and one by the realm.
namespace casemate::attestation::cca {

struct SignedClaims {
  Bytes protected_header;
  std::int64_t algorithm = 0;  // -7, -35, -36: ES256, ES384, ES512
  Bytes payload;
  Bytes signature;  // r || s, big-endian
  cbor::Value claims;
};

struct Token {
  SignedClaims platform;
  SignedClaims realm;
};
// The outer tag 399 around a map; each member a byte string, or [type, byte string]. Errors:
// kInvalidArgument.
[[nodiscard]] Result<Token> ParseToken(ByteView raw);

struct SwComponent {
  std::string type;
  Bytes measurement;
  Bytes signer_id;
};
struct PlatformClaims {
  std::string profile;
  Bytes challenge;          // 32, 48 or 64
  Bytes implementation_id;  // 32
  Bytes instance_id;        // 33, the first is 0x01
  Bytes config;
  unsigned lifecycle = 0;
  std::vector<SwComponent> components;
  std::string hash_algorithm;
  std::string verification_service;  // or empty
};
struct RealmClaims {
  std::string profile;  // empty: the form before 2023
  Bytes challenge;      // 64
  Bytes personalization_value;
  Bytes initial_measurement;
  std::vector<Bytes> extensible_measurements;  // 4
  std::string hash_algorithm;
  Bytes public_key;  // as the claim has it: these bytes are hashed
  std::string public_key_hash;
};
// Errors: kInvalidArgument: names the claim that is missing or malformed.
[[nodiscard]] Result<PlatformClaims> ReadPlatformClaims(const cbor::Value& claims);
[[nodiscard]] Result<RealmClaims> ReadRealmClaims(const cbor::Value& claims);

using PublicKey = EcPublicKey;
// The realm's key: a point, or a COSE_Key. Errors: kInvalidArgument.
[[nodiscard]] Result<PublicKey> ReadRealmKey(const RealmClaims& claims);
// "sha-256", "sha-384", "sha-512".
std::optional<crypto::HashAlgorithm> HashByName(std::string_view name);
// Errors: kInvalidArgument: the algorithm does not fit the key. kIntegrityFailure: does not verify.
[[nodiscard]] Result<void> VerifyClaims(const SignedClaims& claims, const PublicKey& key);

}  // namespace casemate::attestation::cca
