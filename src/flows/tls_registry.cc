#include "flows/tls_registry.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace casemate::flows {
namespace {

using enum KeyExchange;

constexpr std::array kGroups = {
    NamedGroup{kX25519MlKem768, "X25519MLKEM768", kHybrid, 1216},
    NamedGroup{kSecP256r1MlKem768, "SecP256r1MLKEM768", kHybrid, 1249},
    NamedGroup{kSecP384r1MlKem1024, "SecP384r1MLKEM1024", kHybrid, 1665},
    NamedGroup{kMlKem512, "MLKEM512", kPure, 800},
    NamedGroup{kMlKem768, "MLKEM768", kPure, 1184},
    NamedGroup{kMlKem1024, "MLKEM1024", kPure, 1568},
    NamedGroup{kX25519Kyber768Draft00, "X25519Kyber768Draft00", kLegacy, 1216},
    NamedGroup{0x639A, "SecP256r1Kyber768Draft00", kLegacy, 0},
    NamedGroup{kX25519, "x25519", kClassical, 32},
    NamedGroup{kX448, "x448", kClassical, 56},
    NamedGroup{kSecp256r1, "secp256r1", kClassical, 65},
    NamedGroup{kSecp384r1, "secp384r1", kClassical, 97},
    NamedGroup{kSecp521r1, "secp521r1", kClassical, 0},
    NamedGroup{0x001F, "brainpoolP256r1tls13", kClassical, 0},
    NamedGroup{0x0020, "brainpoolP384r1tls13", kClassical, 0},
    NamedGroup{0x0021, "brainpoolP512r1tls13", kClassical, 0},
    NamedGroup{0x001A, "brainpoolP256r1", kClassical, 0},
    NamedGroup{0x001B, "brainpoolP384r1", kClassical, 0},
    NamedGroup{0x001C, "brainpoolP512r1", kClassical, 0},
    NamedGroup{0x0013, "secp192r1", kClassical, 0},
    NamedGroup{0x0015, "secp224r1", kClassical, 0},
    NamedGroup{0x0016, "secp256k1", kClassical, 0},
    NamedGroup{0x0100, "ffdhe2048", kClassical, 0},
    NamedGroup{0x0101, "ffdhe3072", kClassical, 0},
    NamedGroup{0x0102, "ffdhe4096", kClassical, 0},
    NamedGroup{0x0103, "ffdhe6144", kClassical, 0},
    NamedGroup{0x0104, "ffdhe8192", kClassical, 0},
};

struct Named {
  std::uint16_t id;
  std::string_view name;
};

constexpr std::array kCiphers = {
    Named{0x1301, "TLS_AES_128_GCM_SHA256"},
    Named{0x1302, "TLS_AES_256_GCM_SHA384"},
    Named{0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
    Named{0x1304, "TLS_AES_128_CCM_SHA256"},
    Named{0x1305, "TLS_AES_128_CCM_8_SHA256"},
    Named{0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
    Named{0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
    Named{0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    Named{0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
    Named{0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
    Named{0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
    Named{0xC009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"},
    Named{0xC00A, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"},
    Named{0xC013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
    Named{0xC014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"},
    Named{0xC023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"},
    Named{0xC024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"},
    Named{0xC027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"},
    Named{0xC028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"},
    Named{0x009C, "TLS_RSA_WITH_AES_128_GCM_SHA256"},
    Named{0x009D, "TLS_RSA_WITH_AES_256_GCM_SHA384"},
    Named{0x009E, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"},
    Named{0x009F, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"},
    Named{0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA"},
    Named{0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"},
    Named{0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"},
    Named{0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"},
    Named{0x003C, "TLS_RSA_WITH_AES_128_CBC_SHA256"},
    Named{0x003D, "TLS_RSA_WITH_AES_256_CBC_SHA256"},
    Named{0x000A, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"},
};

constexpr std::array kSignatures = {
    Named{0x0401, "rsa_pkcs1_sha256"},
    Named{0x0501, "rsa_pkcs1_sha384"},
    Named{0x0601, "rsa_pkcs1_sha512"},
    Named{0x0403, "ecdsa_secp256r1_sha256"},
    Named{0x0503, "ecdsa_secp384r1_sha384"},
    Named{0x0603, "ecdsa_secp521r1_sha512"},
    Named{0x0804, "rsa_pss_rsae_sha256"},
    Named{0x0805, "rsa_pss_rsae_sha384"},
    Named{0x0806, "rsa_pss_rsae_sha512"},
    Named{0x0807, "ed25519"},
    Named{0x0808, "ed448"},
    Named{0x0809, "rsa_pss_pss_sha256"},
    Named{0x080A, "rsa_pss_pss_sha384"},
    Named{0x080B, "rsa_pss_pss_sha512"},
    Named{0x0904, "mldsa44"},
    Named{0x0905, "mldsa65"},
    Named{0x0906, "mldsa87"},
};

// RFC 8446 section 6, and those of older versions that servers still send.
constexpr std::array kAlerts = {
    Named{0, "close_notify"},
    Named{10, "unexpected_message"},
    Named{20, "bad_record_mac"},
    Named{22, "record_overflow"},
    Named{40, "handshake_failure"},
    Named{42, "bad_certificate"},
    Named{47, "illegal_parameter"},
    Named{48, "unknown_ca"},
    Named{49, "access_denied"},
    Named{50, "decode_error"},
    Named{51, "decrypt_error"},
    Named{70, "protocol_version"},
    Named{71, "insufficient_security"},
    Named{80, "internal_error"},
    Named{86, "inappropriate_fallback"},
    Named{90, "user_canceled"},
    Named{109, "missing_extension"},
    Named{110, "unsupported_extension"},
    Named{112, "unrecognized_name"},
    Named{115, "unknown_psk_identity"},
    Named{116, "certificate_required"},
    Named{120, "no_application_protocol"},
};

std::string Hex(std::uint16_t id) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%04X", id);
  return text.data();
}

std::string NameIn(std::span<const Named> table, std::uint16_t id) {
  const auto found = std::ranges::find(table, id, &Named::id);
  return found == table.end() ? Hex(id) : std::string(found->name);
}

}  // namespace

bool IsPostQuantum(KeyExchange kind) { return kind == kHybrid || kind == kPure || kind == kLegacy; }

std::span<const NamedGroup> NamedGroups() { return kGroups; }

const NamedGroup* FindGroup(std::uint16_t id) {
  const auto* found = std::ranges::find(kGroups, id, &NamedGroup::id);
  return found == kGroups.end() ? nullptr : found;
}

std::string GroupName(std::uint16_t id) {
  const NamedGroup* group = FindGroup(id);
  return group == nullptr ? Hex(id) : std::string(group->name);
}

KeyExchange GroupKind(std::uint16_t id) {
  const NamedGroup* group = FindGroup(id);
  return group == nullptr ? kUnknown : group->kind;
}

std::string CipherName(std::uint16_t id) { return NameIn(kCiphers, id); }
std::string SignatureName(std::uint16_t id) { return NameIn(kSignatures, id); }

std::string_view VersionName(std::uint16_t version) {
  switch (version) {
    case 0x0300:
      return "SSL 3.0";
    case kTls10:
      return "TLS 1.0";
    case kTls11:
      return "TLS 1.1";
    case kTls12:
      return "TLS 1.2";
    case kTls13:
      return "TLS 1.3";
    default:
      return "unknown version";
  }
}

std::string AlertName(std::uint8_t alert) {
  const auto* found = std::ranges::find(kAlerts, alert, &Named::id);
  return found == kAlerts.end() ? "alert " + std::to_string(alert) : std::string(found->name);
}

}  // namespace casemate::flows
