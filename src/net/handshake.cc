#include "net/handshake.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "net/tls_policy.h"

namespace casemate::net {
namespace {

constexpr int kMostCertificates = 32;

using Connection = std::unique_ptr<SSL, decltype(&SSL_free)>;

std::unexpected<Error> TlsFail() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return Fail(ErrorCode::kUnavailable,
              reason != nullptr ? reason : "the peer closed the connection", text.data());
}

bool IsHostName(const std::string& name) {
  return name.find(':') == std::string::npos &&
         name.find_first_not_of("0123456789.") != std::string::npos;
}

Result<void> WaitFor(SSL* ssl, int error, std::chrono::steady_clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      until - std::chrono::steady_clock::now());
  pollfd wait{.fd = SSL_get_fd(ssl),
              .events = static_cast<short>(error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN),
              .revents = 0};
  if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0) {
    return Fail(ErrorCode::kDeadlineExceeded, "the handshake did not end in time");
  }
  return {};
}

Result<void> Connect(SSL* ssl, std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (true) {
    ERR_clear_error();
    const int done = SSL_connect(ssl);
    if (done == 1) {
      return {};
    }
    const int error = SSL_get_error(ssl, done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      return TlsFail();
    }
    if (Result<void> ready = WaitFor(ssl, error, until); !ready) {
      return ready;
    }
  }
}

std::string Text(const char* text) { return text == nullptr ? std::string() : text; }

std::vector<Bytes> Chain(SSL* ssl) {
  std::vector<Bytes> chain;
  const STACK_OF(X509)* sent = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(sent) && i < kMostCertificates; ++i) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(sk_X509_value(sent, i), &der);
    if (size > 0) {
      const auto* bytes = reinterpret_cast<const std::byte*>(der);
      chain.emplace_back(bytes, bytes + size);
    }
    OPENSSL_free(der);
  }
  return chain;
}

}  // namespace

Result<HandshakeReport> Handshake(UniqueFd socket, const std::string& name,
                                  std::chrono::milliseconds timeout) {
  const SslContext context = MakeProbeContext();
  const Connection ssl(context == nullptr ? nullptr : SSL_new(context.get()), &SSL_free);
  if (ssl == nullptr) {
    return TlsFail();
  }
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  if (SSL_set_fd(ssl.get(), socket.get()) != 1 ||
      (IsHostName(name) && SSL_set_tlsext_host_name(ssl.get(), name.c_str()) != 1)) {
    return TlsFail();
  }
  if (Result<void> connected = Connect(ssl.get(), timeout); !connected) {
    return std::unexpected(connected.error());
  }
  HandshakeReport report;
  report.version = Text(SSL_get_version(ssl.get()));
  report.cipher = Text(SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl.get())));
  report.group = Text(SSL_get0_group_name(ssl.get()));
  const char* signature = nullptr;
  if (SSL_get0_peer_signature_name(ssl.get(), &signature) == 1) {
    report.peer_signature = Text(signature);
  }
  report.chain = Chain(ssl.get());
  return report;
}

}  // namespace casemate::net
