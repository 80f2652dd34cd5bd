#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "net/hop.h"
#include "net/tls_group.h"

struct ssl_st;      // OpenSSL's SSL
struct ssl_ctx_st;  // OpenSSL's SSL_CTX

// The one place through which every TLS connection goes that Casemate accepts or makes: what is
// offered, what is required, and what was agreed on in the end. No other file makes an SSL_CTX
// (tools/check_arrows.py).
namespace casemate::net {

// The least that a hop must agree on.
enum class TlsMinimum : std::uint8_t {
  kHybrid,     // ML-KEM beside an elliptic curve
  kClassical,  // an elliptic curve alone will do: who records it may read it later
};
std::string_view TlsMinimumName(TlsMinimum minimum);  // "hybrid", "classical"

struct TlsSettings {
  // Hybrid groups by OpenSSL's names, spelled out. The pseudo-group DEFAULT is refused: servers
  // that use it lose the order of groups and take X25519 from clients that could do better
  // (CVE-2026-2673).
  std::vector<std::string> groups = {"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"};
  TlsMinimum minimum = TlsMinimum::kHybrid;
  // Of a server: peers (PeerSet) that are held to kClassical although `minimum` is kHybrid.
  std::vector<std::string> classical_from = {};
};

enum class TlsSide : std::uint8_t { kAccepts, kMakes };

struct SslContextFree {
  void operator()(ssl_ctx_st* context) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, SslContextFree>;

// TLS 1.3 only; no tickets, no session cache, no early data, no renegotiation, no compression;
// plaintext wiped from the library's buffers; `groups`, and with kClassical X25519 and secp256r1
// behind them, never before: a peer that guesses a classical share is asked again. openssl.cnf has
// no say. Certificates and ALPN are the caller's. Errors: kInvalidArgument: a group that is not
// hybrid, is unknown, or is DEFAULT.
[[nodiscard]] Result<SslContext> MakeTlsContext(TlsSide side, const TlsSettings& settings);

// For looking at an endpoint, never for a hop: every group, TLS 1.2 and 1.3, security level 0,
// nobody authenticated. nullptr: this OpenSSL refused.
SslContext MakeProbeContext();

// What a finished handshake agreed on.
struct TlsAgreement {
  std::string version;
  std::string group;  // read back, not what was asked for
  std::string cipher;
};
// Errors: kPermissionDenied: below `minimum`; the connection must be closed.
[[nodiscard]] Result<TlsAgreement> ReadAgreement(const ssl_st* connection, TlsMinimum minimum);

// A certificate's facts for the hop table; what does not parse has its digest only.
std::shared_ptr<const HopCertificate> DescribeCertificate(ByteView der, bool own);
// The peer's, after the handshake; nullptr: it showed none.
std::shared_ptr<const HopCertificate> DescribePeer(const ssl_st* connection);

// Why a client's handshake was refused: "classical" (no hybrid group offered), "version" (no TLS
// 1.3), "timeout", "other". A literal.
std::string_view RefusalReason(bool timed_out, const ClientHello& hello);

}  // namespace casemate::net
