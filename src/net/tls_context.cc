#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>
#include <string_view>

namespace casemate::net {
namespace {

std::unexpected<Error> TlsFail(const char* what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return Fail(ErrorCode::kInvalidArgument, std::string("TLS: ") + what, text.data());
}

// RFC 8446, section 4.2.7 and 4.2.1: a list of 16-bit numbers behind its length.
template <typename Name>
std::string NumberList(SSL* ssl, unsigned extension, std::size_t length_bytes, Name name) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, extension, &data, &size) != 1 || size < length_bytes) {
    return {};
  }
  std::string text;
  constexpr std::size_t kMostNamed = 32;  // a log line, not an archive
  for (std::size_t i = length_bytes; i + 1 < size && i < length_bytes + 2 * kMostNamed; i += 2) {
    text += (text.empty() ? "" : ":") + name((data[i] << 8) | data[i + 1]);
  }
  return text;
}

std::string Hex(int number) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%04x", static_cast<unsigned>(number) & 0xffffU);
  return text.data();
}

int HelloIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int OnClientHello(SSL* ssl, int*, void*) {
  if (auto* hello = static_cast<ClientHello*>(SSL_get_ex_data(ssl, HelloIndex()))) {
    hello->groups = NumberList(ssl, TLSEXT_TYPE_supported_groups, 2, [ssl](int group) {
      const char* name = SSL_group_to_name(ssl, TLSEXT_nid_unknown | group);
      return name != nullptr ? std::string(name) : Hex(group);
    });
    hello->versions = NumberList(ssl, TLSEXT_TYPE_supported_versions, 1, Hex);
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

int OnAlpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
           unsigned in_size, void*) {
  static constexpr std::array<unsigned char, 9> kHttp11 = {8,   'h', 't', 't', 'p',
                                                           '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11.data(), kHttp11.size(), in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> UseIdentity(SSL_CTX* context, const custody::Identity& identity) {
  const auto read_certificate = [](const Bytes& der) {
    const auto* data = reinterpret_cast<const unsigned char*>(der.data());
    return std::unique_ptr<X509, decltype(&X509_free)>(
        d2i_X509(nullptr, &data, static_cast<long>(der.size())), &X509_free);
  };
  const auto leaf = read_certificate(identity.certificate_der);
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return TlsFail("the server's certificate does not parse");
  }
  const auto authority = read_certificate(identity.authority_der);
  if (authority == nullptr || SSL_CTX_add1_chain_cert(context, authority.get()) != 1) {
    return TlsFail("the authority's certificate does not parse");
  }
  const ByteView der = identity.private_key_der.view().RevealBytes();
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      d2i_AutoPrivateKey(nullptr, &data, static_cast<long>(der.size())), &EVP_PKEY_free);
  if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return TlsFail("the server's key does not parse or does not match its certificate");
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::Make(const TlsSettings& settings,
                                                           const custody::Identity& identity) {
  Result<SslContext> context = MakeTlsContext(TlsSide::kAccepts, settings);
  if (!context) {
    return std::unexpected(context.error());
  }
  SSL_CTX_set_client_hello_cb(context->get(), &OnClientHello, nullptr);
  SSL_CTX_set_alpn_select_cb(context->get(), &OnAlpn, nullptr);
  if (Result<void> used = UseIdentity(context->get(), identity); !used) {
    return std::unexpected(used.error());
  }
  return std::shared_ptr<const TlsContext>(
      new TlsContext(std::move(*context), settings.minimum,
                     DescribeCertificate(identity.certificate_der, /*own=*/true)));
}

ssl_st* TlsContext::NewConnection(ClientHello* hello) const {
  SSL* ssl = SSL_new(context_.get());
  if (ssl != nullptr && SSL_set_ex_data(ssl, HelloIndex(), hello) != 1) {
    SSL_free(ssl);
    return nullptr;
  }
  return ssl;
}

}  // namespace casemate::net
