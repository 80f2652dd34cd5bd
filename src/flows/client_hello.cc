#include "flows/client_hello.h"

#include <algorithm>
#include <array>

#include "crypto/hash.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHelloType = 1;

constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint16_t kSupportedGroupsExtension = 10;
constexpr std::uint16_t kPointFormatsExtension = 11;
constexpr std::uint16_t kSignatureAlgorithmsExtension = 13;
constexpr std::uint16_t kExtendedMasterSecretExtension = 23;
constexpr std::uint16_t kSupportedVersionsExtension = 43;
constexpr std::uint16_t kPskModesExtension = 45;
constexpr std::uint16_t kKeyShareExtension = 51;
constexpr std::uint16_t kRenegotiationInfoExtension = 0xFF01;

// SEC 2: the base points, uncompressed. Public, on the curve, and nobody agrees on anything.
constexpr std::string_view kP256Base =
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
constexpr std::string_view kP384Base =
    "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e387276"
    "0ab7"
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e"
    "5f";

constexpr std::array<std::uint16_t, 3> kCiphers13 = {0x1301, 0x1302, 0x1303};
constexpr std::array<std::uint16_t, 18> kCiphers12 = {
    0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9, 0xC009, 0xC00A, 0xC013,
    0xC014, 0x009E, 0x009F, 0x0033, 0x0039, 0x009C, 0x009D, 0x002F, 0x0035};
constexpr std::array<std::uint16_t, 14> kSignatures = {0x0905, 0x0904, 0x0906, 0x0403, 0x0503,
                                                       0x0603, 0x0807, 0x0808, 0x0804, 0x0805,
                                                       0x0806, 0x0401, 0x0501, 0x0601};

Bytes Random(std::size_t size) {
  Bytes out(size);
  crypto::FillRandom(out);
  return out;
}

// `polynomials` times 256 coefficients below q = 3329 in 12 bits each, low bits first, then rho.
Bytes MlKemKey(std::size_t polynomials) {
  constexpr std::uint32_t kModulus = 3329;
  const std::size_t count = polynomials * 256;
  std::vector<std::uint32_t> coefficients;
  coefficients.reserve(count);
  while (coefficients.size() < count) {
    const Bytes pool = Random(2 * count);
    for (std::size_t i = 0; i + 1 < pool.size() && coefficients.size() < count; i += 2) {
      const std::uint32_t candidate = GetU16(pool, i) & 0x0FFFU;
      if (candidate < kModulus) {
        coefficients.push_back(candidate);
      }
    }
  }
  Bytes out;
  out.reserve(count * 3 / 2 + 32);
  for (std::size_t i = 0; i < count; i += 2) {
    const std::uint32_t pair = coefficients[i] | coefficients[i + 1] << 12;
    out.push_back(static_cast<std::byte>(pair));
    out.push_back(static_cast<std::byte>(pair >> 8));
    out.push_back(static_cast<std::byte>(pair >> 16));
  }
  Put(out, Random(32));
  return out;
}

Bytes BasePoint(std::string_view hex) { return FromHex(hex).value_or(Bytes{}); }

Bytes Joined(Bytes first, const Bytes& second) {
  Put(first, second);
  return first;
}

void PutU8(Bytes& out, std::size_t value) { out.push_back(static_cast<std::byte>(value)); }
void PutU24(Bytes& out, std::size_t value) {
  PutU8(out, value >> 16);
  PutU16(out, static_cast<std::uint16_t>(value));
}
void PutBlock16(Bytes& out, ByteView block) {
  PutU16(out, static_cast<std::uint16_t>(block.size()));
  Put(out, block);
}
void PutExtension(Bytes& out, std::uint16_t type, ByteView body) {
  PutU16(out, type);
  PutBlock16(out, body);
}
template <typename Range>
Bytes ListOfU16(const Range& values) {
  Bytes list;
  for (const std::uint16_t value : values) {
    PutU16(list, value);
  }
  Bytes out;
  PutBlock16(out, list);
  return out;
}

// RFC 6066 section 3: host names only, never addresses.
bool IsHostName(std::string_view name) {
  return !name.empty() && name.find(':') == std::string_view::npos &&
         name.find_first_not_of("0123456789.") != std::string_view::npos;
}

bool Offers(const HelloSpec& spec, std::uint16_t version) {
  return std::ranges::find(spec.versions, version) != spec.versions.end();
}

Bytes Extensions(const HelloSpec& spec) {
  Bytes out;
  if (IsHostName(spec.server_name)) {
    Bytes entry;
    PutU8(entry, 0);
    PutBlock16(entry, AsBytes(spec.server_name));
    Bytes list;
    PutBlock16(list, entry);
    PutExtension(out, kServerNameExtension, list);
  }
  PutExtension(out, kSupportedGroupsExtension, ListOfU16(spec.groups));
  PutExtension(out, kSignatureAlgorithmsExtension, ListOfU16(kSignatures));
  if (spec.versions.back() < kTls13) {
    PutExtension(out, kPointFormatsExtension, Bytes{std::byte{1}, std::byte{0}});
    PutExtension(out, kExtendedMasterSecretExtension, {});
    PutExtension(out, kRenegotiationInfoExtension, Bytes{std::byte{0}});
  }
  if (Offers(spec, kTls13)) {
    Bytes versions;
    PutU8(versions, 2 * spec.versions.size());
    for (const std::uint16_t version : spec.versions) {
      PutU16(versions, version);
    }
    PutExtension(out, kSupportedVersionsExtension, versions);
    PutExtension(out, kPskModesExtension, Bytes{std::byte{1}, std::byte{1}});
    Bytes entries;
    for (const std::uint16_t group : spec.shares) {
      PutU16(entries, group);
      PutBlock16(entries, MakeShare(group));
    }
    Bytes list;
    PutBlock16(list, entries);
    PutExtension(out, kKeyShareExtension, list);
  }
  return out;
}

Bytes Ciphers(const HelloSpec& spec) {
  if (!spec.ciphers.empty()) {
    return ListOfU16(spec.ciphers);
  }
  std::vector<std::uint16_t> usual;
  if (Offers(spec, kTls13)) {
    usual.insert(usual.end(), kCiphers13.begin(), kCiphers13.end());
  }
  if (spec.versions.back() < kTls13) {
    usual.insert(usual.end(), kCiphers12.begin(), kCiphers12.end());
  }
  return ListOfU16(usual);
}

}  // namespace

Bytes MakeShare(std::uint16_t group) {
  switch (group) {
    case kX25519:
      return Random(32);
    case kX448:
      return Random(56);
    case kSecp256r1:
      return BasePoint(kP256Base);
    case kSecp384r1:
      return BasePoint(kP384Base);
    case kMlKem512:
      return MlKemKey(2);
    case kMlKem768:
      return MlKemKey(3);
    case kMlKem1024:
      return MlKemKey(4);
    case kX25519MlKem768:  // draft-ietf-tls-ecdhe-mlkem: ML-KEM first in this one
      return Joined(MlKemKey(3), Random(32));
    case kX25519Kyber768Draft00:
      return Joined(Random(32), MlKemKey(3));
    case kSecP256r1MlKem768:
      return Joined(BasePoint(kP256Base), MlKemKey(3));
    case kSecP384r1MlKem1024:
      return Joined(BasePoint(kP384Base), MlKemKey(4));
    default:
      return {};
  }
}

Bytes BuildClientHello(const HelloSpec& spec) {
  const std::uint16_t highest = *std::ranges::max_element(spec.versions);
  Bytes body;
  PutU16(body, std::min(highest, kTls12));  // legacy_version
  Put(body, Random(32));
  PutU8(body, 32);  // legacy_session_id: as a browser does, so that middle boxes see what they know
  Put(body, Random(32));
  Put(body, Ciphers(spec));
  PutU8(body, 1);  // compression: none
  PutU8(body, 0);
  PutBlock16(body, Extensions(spec));

  Bytes record;
  PutU8(record, kHandshakeRecord);
  PutU16(record, kTls10);  // legacy_record_version of a first hello
  PutU16(record, static_cast<std::uint16_t>(body.size() + 4));
  PutU8(record, kClientHelloType);
  PutU24(record, body.size());
  Put(record, body);
  return record;
}

}  // namespace casemate::flows
