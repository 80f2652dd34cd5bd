#include "net/gateway_connection.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "net/tls_policy.h"

namespace casemate::net {
namespace {

constexpr std::array<unsigned char, 9> kAlpn = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

Result<void> WaitFor(int fd, short events, std::chrono::milliseconds timeout,
                     const Interrupt& interrupt) {
  std::array<pollfd, 2> entries = {{{.fd = fd, .events = events, .revents = 0},
                                    {.fd = interrupt.fd(), .events = POLLIN, .revents = 0}}};
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    const int count =
        ::poll(entries.data(), entries.size(), static_cast<int>(std::max<long>(left.count(), 0)));
    if (count < 0 && errno != EINTR) {
      return FailErrno("poll");
    }
    if (entries[1].revents != 0) {
      return Fail(ErrorCode::kCancelled, "the client left");
    }
    if (count > 0) {
      return {};
    }
    if (count == 0) {
      return Fail(ErrorCode::kDeadlineExceeded,
                  "the gateway was silent for " + std::to_string(timeout.count()) + " ms");
    }
  }
}

Result<UniqueFd> ConnectTo(const SocketAddress& address, std::chrono::milliseconds timeout,
                           const Interrupt& interrupt) {
  UniqueFd socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) {
    return FailErrno("socket");
  }
  int failed = 0;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) !=
      0) {
    failed = errno;
  }
  if (failed == EINPROGRESS) {
    if (Result<void> ready = WaitFor(socket.get(), POLLOUT, timeout, interrupt); !ready) {
      return std::unexpected(ready.error());
    }
    socklen_t size = sizeof(failed);
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failed, &size) != 0) {
      failed = errno;
    }
  }
  if (failed != 0) {
    return Fail(ErrorCode::kUnavailable, std::strerror(failed));
  }
  const int on = 1;
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return socket;
}

// Why OpenSSL gave up, as what its caller can do about it.
std::unexpected<Error> HandshakeError(const SSL* ssl) {
  const long verdict = ::SSL_get_verify_result(ssl);
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (verdict != X509_V_OK) {
    return Fail(ErrorCode::kIntegrityFailure, std::string("its certificate is not accepted: ") +
                                                  X509_verify_cert_error_string(verdict));
  }
  const char* text = ERR_reason_error_string(error);
  const std::string reason = text != nullptr ? text : "the connection was closed";
  switch (ERR_GET_REASON(error)) {
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_BAD_KEY_SHARE:
    case SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER:
      return Fail(ErrorCode::kPermissionDenied,
                  "it agreed to no hybrid post-quantum key exchange over TLS 1.3 (" + reason + ")");
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LAYER_FAILURE:
    case SSL_R_HTTP_REQUEST:
      return Fail(ErrorCode::kInvalidArgument, "it does not speak TLS (" + reason + ")");
    default:
      return Fail(ErrorCode::kUnavailable, "the TLS handshake failed: " + reason);
  }
}

// For the hop table, in the words of RefusalReason.
std::string_view ReasonOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kPermissionDenied:
      return "classical";
    case ErrorCode::kIntegrityFailure:
      return "certificate";
    case ErrorCode::kInvalidArgument:
      return "no-tls";
    case ErrorCode::kDeadlineExceeded:
      return "timeout";
    default:
      return "other";
  }
}

}  // namespace

Result<std::vector<SocketAddress>> Resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const std::string service = std::to_string(port);
  in6_addr ignored{};
  if (::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
      ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1) {
    hints.ai_flags = AI_NUMERICHOST;  // ADDRCONFIG would refuse a loopback on a machine without net
  }
  const int failed = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  if (failed != 0) {
    return Fail(failed == EAI_AGAIN ? ErrorCode::kUnavailable : ErrorCode::kNotFound,
                "the name '" + host + "' has no address: " + ::gai_strerror(failed));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
  }
  ::freeaddrinfo(list);
  return addresses;
}

Result<std::shared_ptr<const GatewayIdentity>> GatewayIdentity::Make(ByteView authority_der,
                                                                     const std::string& name) {
  const auto* data = reinterpret_cast<const unsigned char*>(authority_der.data());
  const std::unique_ptr<X509, decltype(&X509_free)> authority(
      d2i_X509(nullptr, &data, static_cast<long>(authority_der.size())), &X509_free);
  if (authority == nullptr || name.empty() || name.size() > 253) {
    ERR_clear_error();
    return Fail(ErrorCode::kInvalidArgument, authority == nullptr
                                                 ? "the CA is not an X.509 certificate"
                                                 : "'" + name + "' is no host name");
  }
  in6_addr numeric{};
  Result<SslContext> context = MakeTlsContext(TlsSide::kMakes, {});
  if (!context) {
    return std::unexpected(context.error());
  }
  SSL_CTX* raw = context->get();
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  // The one authority: neither the system's store nor $SSL_CERT_FILE is read.
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  if (X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), authority.get()) != 1 ||
      SSL_CTX_set_alpn_protos(raw, kAlpn.data(), kAlpn.size()) != 0) {
    ERR_clear_error();
    return Fail(ErrorCode::kUnavailable, "TLS: a setting was refused (OpenSSL 3.5 at least)");
  }
  return std::shared_ptr<const GatewayIdentity>(
      new GatewayIdentity(std::move(*context), name,
                          ::inet_pton(AF_INET, name.c_str(), &numeric) == 1 ||
                              ::inet_pton(AF_INET6, name.c_str(), &numeric) == 1));
}

Result<std::unique_ptr<GatewayConnection>> GatewayConnection::Open(
    const GatewayIdentity& identity, std::span<const SocketAddress> addresses,
    const GatewayTimeouts& timeouts, const Interrupt& interrupt, HopTable& hops) {
  Error last{.code = ErrorCode::kUnavailable, .message = "no address"};
  for (const SocketAddress& address : addresses) {
    Result<UniqueFd> socket = ConnectTo(address, timeouts.connect, interrupt);
    if (socket) {
      std::unique_ptr<GatewayConnection> connection(
          new GatewayConnection(std::move(*socket), timeouts));
      const Result<void> shaken = connection->Handshake(identity, interrupt);
      connection->WriteDown(shaken, hops);
      if (shaken) {
        return connection;
      }
      return std::unexpected(shaken.error());  // somebody is there: another address is no remedy
    }
    last = socket.error();
    if (last.code == ErrorCode::kCancelled) {
      break;
    }
  }
  return std::unexpected(last);
}

void GatewayConnection::WriteDown(const Result<void>& shaken, HopTable& hops) {
  const std::string peer = PeerOf(socket_.get());
  if (shaken) {
    facts_.hop = "gateway";
    facts_.peer = peer;
    facts_.made = true;
    facts_.minimum = TlsMinimumName(TlsMinimum::kHybrid);
    use_ = hops.Open(facts_);
    return;
  }
  if (shaken.error().code != ErrorCode::kCancelled) {
    hops.Refuse({.hop = "gateway",
                 .peer = peer,
                 .made = true,
                 .reason = std::string(ReasonOf(shaken.error().code)),
                 .detail = shaken.error().message,
                 .groups = {},
                 .versions = {}});
  }
}

GatewayConnection::~GatewayConnection() {
  if (ssl_ != nullptr) {
    (void)SSL_shutdown(ssl_);  // says goodbye if that needs no waiting
    ERR_clear_error();
    SSL_free(ssl_);
  }
}

Result<void> GatewayConnection::Handshake(const GatewayIdentity& identity,
                                          const Interrupt& interrupt) {
  ssl_ = SSL_new(identity.context_.get());
  if (ssl_ == nullptr || SSL_set_fd(ssl_, socket_.get()) != 1) {
    return Fail(ErrorCode::kResourceExhausted, "TLS: no connection object");
  }
  const bool named =
      identity.numeric_
          ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), identity.name_.c_str()) == 1
          : SSL_set1_host(ssl_, identity.name_.c_str()) == 1 &&
                SSL_set_tlsext_host_name(ssl_, identity.name_.c_str()) == 1;
  if (!named) {
    return Fail(ErrorCode::kInvalidArgument, "'" + identity.name_ + "' is no host name");
  }
  while (true) {
    ERR_clear_error();
    const int result = SSL_connect(ssl_);
    if (result == 1) {
      break;
    }
    const int why = SSL_get_error(ssl_, result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
      return HandshakeError(ssl_);
    }
    if (Result<void> ready = WaitFor(socket_.get(), why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
                                     timeouts_.connect, interrupt);
        !ready) {
      return ready;
    }
  }
  // Only hybrid groups were offered; this is what came of it, not what was asked for.
  Result<TlsAgreement> agreement = ReadAgreement(ssl_, TlsMinimum::kHybrid);
  if (!agreement) {
    return std::unexpected(agreement.error());
  }
  facts_.version = std::move(agreement->version);
  facts_.group = std::move(agreement->group);
  facts_.cipher = std::move(agreement->cipher);
  facts_.certificate = DescribePeer(ssl_);
  return {};
}

Result<void> GatewayConnection::Settle(int result, std::chrono::milliseconds timeout,
                                       const Interrupt& interrupt) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return WaitFor(socket_.get(), POLLIN, timeout, interrupt);
    case SSL_ERROR_WANT_WRITE:
      return WaitFor(socket_.get(), POLLOUT, timeout, interrupt);
    case SSL_ERROR_ZERO_RETURN:
      return Fail(ErrorCode::kUnavailable, "");
    default: {
      const char* text = ERR_reason_error_string(ERR_get_error());
      ERR_clear_error();
      return Fail(ErrorCode::kUnavailable,
                  std::string("the connection broke off") +
                      (text != nullptr ? std::string(": ") + text : std::string()));
    }
  }
}

Result<void> GatewayConnection::Write(PlaintextView bytes, const Interrupt& interrupt) {
  while (!bytes.empty()) {
    std::size_t written = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_, bytes.Reveal().data(), bytes.size(), &written);
    if (result == 1) {
      use_->Add(0, written);
      bytes = bytes.Part(written);
      continue;
    }
    if (Result<void> ready = Settle(result, timeouts_.silence, interrupt); !ready) {
      return ready;
    }
  }
  return {};
}

Result<std::size_t> GatewayConnection::Read(std::span<std::byte> into, const Interrupt& interrupt) {
  while (true) {
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_, into.data(), into.size(), &count);
    if (result == 1) {
      use_->Add(count, 0);
      return count;
    }
    if (Result<void> ready = Settle(result, timeouts_.silence, interrupt); !ready) {
      if (ready.error().code == ErrorCode::kUnavailable && ready.error().message.empty()) {
        return std::size_t{0};
      }
      return std::unexpected(ready.error());
    }
  }
}

bool GatewayConnection::quiet() const {
  pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  return SSL_has_pending(ssl_) == 0 && ::poll(&entry, 1, 0) == 0;
}

}  // namespace casemate::net
