#include "net/tls_policy.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "crypto/certificate_facts.h"
#include "crypto/hash.h"

namespace casemate::net {
namespace {

constexpr const char* kCipherSuites =
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
constexpr const char* kClassicalGroups = "X25519:secp256r1";
// The hybrids first, then what is still met; `?` skips what this OpenSSL was built without.
constexpr const char* kProbeGroups =
    "?*X25519MLKEM768:?SecP256r1MLKEM768:?SecP384r1MLKEM1024:?MLKEM768:?MLKEM1024:"
    "?*X25519:?secp256r1:?secp384r1:?secp521r1:?X448:?ffdhe2048:?ffdhe3072";

std::unexpected<Error> TlsFail(const char* what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return Fail(ErrorCode::kInvalidArgument, std::string("TLS: ") + what, text.data());
}

Result<std::string> GroupList(const TlsSettings& settings) {
  std::string list;
  for (const std::string& group : settings.groups) {
    const bool plain = !group.empty() && std::ranges::all_of(group, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '-';
    });
    // This also keeps out DEFAULT and OpenSSL's operators ('/', '?', '*', '-X').
    if (!plain || !IsHybridGroup(group)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "TLS group '" + group +
                      "' is not a hybrid group; expected names such as "
                      "X25519MLKEM768, each spelled out");
    }
    list += (list.empty() ? "" : ":") + group;
  }
  if (list.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "no TLS group is configured");
  }
  // '/' begins a second class: a client that supports a hybrid group but sent a share for X25519
  // only is asked for the better one (HelloRetryRequest) instead of being taken at its guess.
  return settings.minimum == TlsMinimum::kHybrid ? list : list + "/" + kClassicalGroups;
}

std::string Text(const char* text) { return text != nullptr ? text : ""; }

}  // namespace

std::string_view TlsMinimumName(TlsMinimum minimum) {
  return minimum == TlsMinimum::kHybrid ? "hybrid" : "classical";
}

void SslContextFree::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<SslContext> MakeTlsContext(TlsSide side, const TlsSettings& settings) {
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  Result<std::string> groups = GroupList(settings);
  if (!groups) {
    return std::unexpected(groups.error());
  }
  SslContext context(
      SSL_CTX_new(side == TlsSide::kAccepts ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* raw = context.get();
  if (raw == nullptr) {
    return TlsFail("no context");
  }
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_NO_COMPRESSION | SSL_OP_NO_TX_CERTIFICATE_COMPRESSION |
                               SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_num_tickets(raw, 0) != 1 || SSL_CTX_set_max_early_data(raw, 0) != 1 ||
      SSL_CTX_set_recv_max_early_data(raw, 0) != 1 ||
      SSL_CTX_set_ciphersuites(raw, kCipherSuites) != 1) {
    return TlsFail("a setting was refused");
  }
  if (SSL_CTX_set1_groups_list(raw, groups->c_str()) != 1) {
    return TlsFail("a group of the list is unknown to this OpenSSL (3.5 at least)");
  }
  return context;
}

SslContext MakeProbeContext() {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* raw = context.get();
  if (raw == nullptr) {
    return context;
  }
  SSL_CTX_set_security_level(raw, 0);
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nullptr);
  if (SSL_CTX_set1_groups_list(raw, kProbeGroups) != 1) {
    context.reset();
  }
  return context;
}

Result<TlsAgreement> ReadAgreement(const ssl_st* connection, TlsMinimum minimum) {
  auto* ssl = const_cast<SSL*>(connection);  // the library's getters are not const
  TlsAgreement agreement{.version = Text(SSL_get_version(ssl)),
                         .group = Text(SSL_get0_group_name(ssl)),
                         .cipher = Text(SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)))};
  if (minimum == TlsMinimum::kHybrid && !IsHybridGroup(agreement.group)) {
    return Fail(ErrorCode::kPermissionDenied,
                "it chose '" + agreement.group + "', which is not hybrid");
  }
  return agreement;
}

std::shared_ptr<const HopCertificate> DescribeCertificate(ByteView der, bool own) {
  auto certificate = std::make_shared<HopCertificate>();
  certificate->own = own;
  certificate->sha256 = ToHex(crypto::Sha256(der));
  if (Result<crypto::CertificateFacts> facts = crypto::ReadCertificate(der)) {
    certificate->subject = std::move(facts->subject);
    certificate->issuer = std::move(facts->issuer);
    certificate->public_key = std::move(facts->public_key);
    certificate->signature = std::move(facts->signature);
    certificate->not_after = facts->not_after;
    certificate->post_quantum = facts->post_quantum;
  }
  return certificate;
}

std::shared_ptr<const HopCertificate> DescribePeer(const ssl_st* connection) {
  const X509* certificate = SSL_get0_peer_certificate(connection);
  unsigned char* der = nullptr;
  const int size = certificate != nullptr ? i2d_X509(certificate, &der) : 0;
  if (size <= 0) {
    return nullptr;
  }
  const std::shared_ptr<const HopCertificate> described = DescribeCertificate(
      ByteView(reinterpret_cast<const std::byte*>(der), static_cast<std::size_t>(size)), false);
  OPENSSL_free(der);
  return described;
}

std::string_view RefusalReason(bool timed_out, const ClientHello& hello) {
  if (timed_out) {
    return "timeout";
  }
  if (hello.groups.empty()) {
    return "other";
  }
  if (hello.versions.empty()) {
    return "version";
  }
  return hello.groups.contains("MLKEM") ? "other" : "classical";
}

}  // namespace casemate::net
