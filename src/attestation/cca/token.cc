#include "attestation/cca/token.h"

#include <algorithm>

namespace casemate::attestation::cca {
namespace {

using cbor::Value;
using crypto::EcCurve;
using crypto::HashAlgorithm;

constexpr std::uint64_t kTokenTag = 399;
constexpr std::uint64_t kSign1Tag = 18;
constexpr std::int64_t kPlatformMember = 44234;
constexpr std::int64_t kRealmMember = 44241;
constexpr std::size_t kMostComponents = 256;

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

bool HasMessage(const Value& value) { return value.kind == Value::Kind::kBytes; }

// Text for people: other characters than printable ASCII become '?'.
std::string TextOf(const Value& value) {
  std::string text;
  for (const char c : AsText(value.bytes)) {
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  return text;
}

// Looks claims up; the first that does not fit is kept.
class Claims {
 public:
  explicit Claims(const Value& map) : map_(map) {}
  Bytes Octets(std::int64_t key, std::initializer_list<std::size_t> sizes) {
    const Value* value = map_.Get(key);
    const bool fits =
        value != nullptr && value->kind == Value::Kind::kBytes &&
        (sizes.size() == 0 || std::ranges::find(sizes, value->bytes.size()) != sizes.end());
    Note(fits, key);
    return fits ? value->bytes : Bytes();
  }
  std::string Text(std::int64_t key, bool required = true) {
    const Value* value = map_.Get(key);
    Note(value == nullptr ? !required
                          : value->kind == Value::Kind::kText && value->bytes.size() <= 1024,
         key);
    return value == nullptr ? "" : TextOf(*value);
  }
  void Note(bool fits, std::int64_t key) {
    if (!fits && failure_.empty()) {
      failure_ = "claim " + std::to_string(key) + " is missing or malformed";
    }
  }
  const Value* Get(std::int64_t key) const { return map_.Get(key); }
  const std::string& failure() const { return failure_; }

 private:
  const Value& map_;
  std::string failure_;
};

Result<SignedClaims> ReadSign1(ByteView raw, const std::string& whose) {
  Result<Value> value = cbor::Read(raw);
  if (!value) {
    return Wrap(value.error(), whose);
  }
  if (value->kind != Value::Kind::kTag || value->number != kSign1Tag ||
      value->items.front().kind != Value::Kind::kArray || value->items.front().items.size() != 4) {
    return Bad(whose + ": expected a COSE_Sign1 (tag 18, four members)");
  }
  const std::vector<Value>& parts = value->items.front().items;
  if (!HasMessage(parts[0]) || parts[1].kind != Value::Kind::kMap || !HasMessage(parts[2]) ||
      !HasMessage(parts[3])) {
    return Bad(whose + ": a COSE_Sign1 with other members than bytes, map, bytes, bytes");
  }
  SignedClaims read{.protected_header = parts[0].bytes,
                    .payload = parts[2].bytes,
                    .signature = parts[3].bytes,
                    .claims = {}};
  Result<Value> header = cbor::Read(read.protected_header);
  const Value* algorithm = header ? header->Get(1) : nullptr;
  if (algorithm == nullptr || algorithm->kind != Value::Kind::kNegative ||
      algorithm->number > 1000) {
    return Bad(whose + ": no algorithm in the protected header");
  }
  read.algorithm = -1 - static_cast<std::int64_t>(algorithm->number);
  Result<Value> claims = cbor::Read(read.payload);
  if (!claims || claims->kind != Value::Kind::kMap) {
    return Bad(whose + ": the payload is no map of claims" +
               (claims ? "" : ": " + claims.error().message));
  }
  read.claims = *std::move(claims);
  return read;
}

Result<Bytes> Member(const Value& map, std::int64_t key, const std::string& whose) {
  const Value* value = map.Get(key);
  if (value != nullptr && value->kind == Value::Kind::kArray && value->items.size() == 2) {
    value = &value->items[1];  // a conceptual message wrapper: [content format, bytes]
  }
  return value != nullptr && value->kind == Value::Kind::kBytes
             ? Result<Bytes>(value->bytes)
             : Bad("the " + whose + " token is missing");
}

struct Algorithm {
  std::int64_t id;
  EcCurve curve;
  HashAlgorithm hash;
};
constexpr Algorithm kAlgorithms[] = {
    {.id = -7, .curve = EcCurve::kP256, .hash = HashAlgorithm::kSha256},
    {.id = -35, .curve = EcCurve::kP384, .hash = HashAlgorithm::kSha384},
    {.id = -36, .curve = EcCurve::kP521, .hash = HashAlgorithm::kSha512}};

}  // namespace

Result<Token> ParseToken(ByteView raw) {
  Result<Value> value = cbor::Read(raw);
  if (!value) {
    return std::unexpected(value.error());
  }
  if (value->kind != Value::Kind::kTag || value->number != kTokenTag ||
      value->items.front().kind != Value::Kind::kMap) {
    return Bad("expected tag 399 around a map");
  }
  Token token;
  const std::tuple<std::int64_t, const char*, SignedClaims*> members[] = {
      {kPlatformMember, "platform", &token.platform}, {kRealmMember, "realm", &token.realm}};
  for (const auto& [key, whose, target] : members) {
    Result<Bytes> inner = Member(value->items.front(), key, whose);
    Result<SignedClaims> read = inner ? ReadSign1(*inner, whose) : std::unexpected(inner.error());
    if (!read) {
      return std::unexpected(read.error());
    }
    *target = *std::move(read);
  }
  return token;
}

Result<PlatformClaims> ReadPlatformClaims(const Value& map) {
  Claims claims(map);
  PlatformClaims read;
  read.profile = claims.Text(265);
  claims.Note(read.profile == "tag:arm.com,2023:cca_platform#1.0.0" ||
                  read.profile == "http://arm.com/CCA-SSD/1.0.0",
              265);
  read.challenge = claims.Octets(10, {32, 48, 64});
  read.implementation_id = claims.Octets(2396, {32});
  read.instance_id = claims.Octets(256, {33});
  claims.Note(!read.instance_id.empty() && read.instance_id[0] == std::byte{1}, 256);
  read.config = claims.Octets(2401, {});
  const Value* lifecycle = claims.Get(2395);
  claims.Note(lifecycle != nullptr && lifecycle->kind == Value::Kind::kUnsigned &&
                  lifecycle->number <= 0xFFFF,
              2395);
  read.lifecycle = lifecycle == nullptr ? 0 : static_cast<unsigned>(lifecycle->number & 0xFFFF);
  read.hash_algorithm = claims.Text(2402);
  read.verification_service = claims.Text(2400, false);
  const Value* components = claims.Get(2399);
  const bool list = components != nullptr && components->kind == Value::Kind::kArray &&
                    !components->items.empty() && components->items.size() <= kMostComponents;
  claims.Note(list, 2399);
  for (const Value& component : list ? components->items : std::vector<Value>()) {
    Claims inner(component);
    read.components.push_back({.type = inner.Text(1, false),
                               .measurement = inner.Octets(2, {32, 48, 64}),
                               .signer_id = inner.Octets(5, {32, 48, 64})});
    claims.Note(inner.failure().empty(), 2399);
  }
  return claims.failure().empty() ? Result<PlatformClaims>(std::move(read))
                                  : Bad("platform: " + claims.failure());
}

Result<RealmClaims> ReadRealmClaims(const Value& map) {
  Claims claims(map);
  RealmClaims read;
  read.profile = claims.Text(265, false);
  claims.Note(read.profile.empty() || read.profile == "tag:arm.com,2023:realm#1.0.0", 265);
  read.challenge = claims.Octets(10, {64});
  read.personalization_value = claims.Octets(44235, {64});
  read.initial_measurement = claims.Octets(44238, {32, 48, 64});
  read.hash_algorithm = claims.Text(44236);
  read.public_key = claims.Octets(44237, {});
  read.public_key_hash = claims.Text(44240);
  const Value* measurements = claims.Get(44239);
  const bool list = measurements != nullptr && measurements->kind == Value::Kind::kArray &&
                    measurements->items.size() == 4;
  claims.Note(list, 44239);
  for (const Value& value : list ? measurements->items : std::vector<Value>()) {
    claims.Note(
        value.kind == Value::Kind::kBytes && value.bytes.size() == read.initial_measurement.size(),
        44239);
    read.extensible_measurements.push_back(value.bytes);
  }
  return claims.failure().empty() ? Result<RealmClaims>(std::move(read))
                                  : Bad("realm: " + claims.failure());
}

Result<PublicKey> ReadRealmKey(const RealmClaims& claims) {
  if (claims.profile.empty()) {
    for (const Algorithm& algorithm : kAlgorithms) {
      if (claims.public_key.size() == 1 + 2 * crypto::CoordinateSize(algorithm.curve) &&
          claims.public_key[0] == std::byte{4}) {
        return PublicKey{.curve = algorithm.curve,
                         .point = Bytes(claims.public_key.begin() + 1, claims.public_key.end())};
      }
    }
    return Bad("the realm's key is no point of P-256, P-384 or P-521");
  }
  Result<Value> key = cbor::Read(claims.public_key);
  if (!key) {
    return Wrap(key.error(), "the realm's key");
  }
  const Value* type = key->Get(1);
  const Value* curve = key->Get(-1);
  const Value* x = key->Get(-2);
  const Value* y = key->Get(-3);
  if (type == nullptr || curve == nullptr || x == nullptr || y == nullptr || !type->IsInteger(2)) {
    return Bad("the realm's key is no COSE_Key of type EC2");
  }
  for (const Algorithm& algorithm : kAlgorithms) {
    const std::int64_t id = algorithm.curve == EcCurve::kP256   ? 1
                            : algorithm.curve == EcCurve::kP384 ? 2
                                                                : 3;
    const std::size_t size = crypto::CoordinateSize(algorithm.curve);
    if (curve->IsInteger(id) && x->bytes.size() == size && y->bytes.size() == size) {
      PublicKey read{.curve = algorithm.curve, .point = x->bytes};
      Put(read.point, y->bytes);
      return read;
    }
  }
  return Bad("the realm's key is of an unknown curve or size");
}

std::optional<HashAlgorithm> HashByName(std::string_view name) {
  return name == "sha-256"   ? std::optional(HashAlgorithm::kSha256)
         : name == "sha-384" ? std::optional(HashAlgorithm::kSha384)
         : name == "sha-512" ? std::optional(HashAlgorithm::kSha512)
                             : std::nullopt;
}

Result<void> VerifyClaims(const SignedClaims& claims, const PublicKey& key) {
  for (const Algorithm& algorithm : kAlgorithms) {
    if (algorithm.id != claims.algorithm) {
      continue;
    }
    if (algorithm.curve != key.curve) {
      return Bad("the algorithm of the token does not fit the key");
    }
    Bytes message;  // Sig_structure (RFC 9052, section 4.4)
    cbor::PutHead(message, 4, 4);
    cbor::PutText(message, "Signature1");
    cbor::PutBytes(message, claims.protected_header);
    cbor::PutBytes(message, {});
    cbor::PutBytes(message, claims.payload);
    return crypto::VerifyEcdsa(key.curve, algorithm.hash, key.point, message, claims.signature);
  }
  return Bad("algorithm " + std::to_string(claims.algorithm) +
             ", expected -7, -35 or -36 (ES256, ES384, ES512)");
}

}  // namespace casemate::attestation::cca
