#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// Names and meaning of the code points that a handshake shows. Source: IANA "Transport Layer
// Security (TLS) Parameters" and draft-ietf-tls-ecdhe-mlkem-05 for the hybrid groups.
namespace casemate::flows {

enum class KeyExchange : std::uint8_t {
  kUnknown,    // no entry: neither good nor bad is claimed
  kClassical,  // a quantum computer opens what was recorded
  kHybrid,     // ML-KEM and a classical group, both of which must fall
  kPure,       // ML-KEM alone
  kLegacy,     // X25519Kyber768Draft00: hybrid, of a draft that was given up
};
// True of kHybrid, kPure and kLegacy: a recorded session stays closed.
bool IsPostQuantum(KeyExchange kind);

struct NamedGroup {
  std::uint16_t id;
  std::string_view name;
  KeyExchange kind;
  std::uint16_t share_bytes;  // of the client's key share; 0: not made here
};
std::span<const NamedGroup> NamedGroups();
const NamedGroup* FindGroup(std::uint16_t id);  // or nullptr
std::string GroupName(std::uint16_t id);        // or "0x1234"
KeyExchange GroupKind(std::uint16_t id);

std::string CipherName(std::uint16_t id);             // "TLS_AES_128_GCM_SHA256", or "0x1234"
std::string SignatureName(std::uint16_t id);          // "ecdsa_secp256r1_sha256", or "0x1234"
std::string_view VersionName(std::uint16_t version);  // "TLS 1.3"; "unknown version"
std::string AlertName(std::uint8_t alert);            // "handshake_failure", or "alert 17"
// RFC 8701: values that clients send so that servers learn to ignore what they do not know.
constexpr bool IsGrease(std::uint16_t id) {
  return (id & 0x0F0F) == 0x0A0A && (id >> 8) == (id & 0xFF);
}

inline constexpr std::uint16_t kTls10 = 0x0301;
inline constexpr std::uint16_t kTls11 = 0x0302;
inline constexpr std::uint16_t kTls12 = 0x0303;
inline constexpr std::uint16_t kTls13 = 0x0304;

inline constexpr std::uint16_t kX25519 = 0x001D;
inline constexpr std::uint16_t kSecp256r1 = 0x0017;
inline constexpr std::uint16_t kSecp384r1 = 0x0018;
inline constexpr std::uint16_t kSecp521r1 = 0x0019;
inline constexpr std::uint16_t kX448 = 0x001E;
inline constexpr std::uint16_t kMlKem512 = 0x0200;
inline constexpr std::uint16_t kMlKem768 = 0x0201;
inline constexpr std::uint16_t kMlKem1024 = 0x0202;
inline constexpr std::uint16_t kSecP256r1MlKem768 = 0x11EB;
inline constexpr std::uint16_t kX25519MlKem768 = 0x11EC;
inline constexpr std::uint16_t kSecP384r1MlKem1024 = 0x11ED;
inline constexpr std::uint16_t kX25519Kyber768Draft00 = 0x6399;

}  // namespace casemate::flows
