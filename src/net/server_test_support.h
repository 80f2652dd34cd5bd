#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "crypto/certificate.h"
#include "crypto/hash.h"
#include "net/server.h"

// A server of its own for each test, with a backend that answers what the test says.
namespace casemate::net::testing {

// What the fake keeper saw of a request.
struct Seen {
  TenantId tenant;
  std::string method, path, query, body, tls_group;
  bool tls_classical_allowed = false;
  std::vector<Header> headers;
  KeyId key;
  PrincipalId principal;
  policy::Label ceiling{};
  bool from_operator = false;
};

class FakeBackend : public Backend {
 public:
  // Answers with these parts, then, if `hangs`, with nothing until it is cancelled.
  struct Script {
    std::vector<std::function<AnswerPart()>> parts;
    bool hangs = false;
    Error failure;  // when its message is set: what Open fails with
  };

  Result<std::unique_ptr<Answer>> Open(const TenantId& tenant,
                                       const HttpRequest& request) override {
    const std::lock_guard lock(mutex);
    seen.push_back({.tenant = tenant,
                    .method = request.method,
                    .path = request.path,
                    .query = request.query,
                    .body = std::string(request.body.view().Reveal()),
                    .tls_group = request.tls_group,
                    .tls_classical_allowed = request.tls_classical_allowed,
                    .headers = request.headers,
                    .key = request.key,
                    .principal = request.principal,
                    .ceiling = request.ceiling,
                    .from_operator = request.from_operator});
    if (!script.failure.message.empty()) {
      return std::unexpected(script.failure);
    }
    return std::make_unique<FakeAnswer>(*this, script);
  }

  // A plain answer with a length.
  void Answers(std::string body) {
    const std::lock_guard lock(mutex);
    script.parts = {
        [size = body.size()] {
          return HttpHead{.status = 200,
                          .headers = {{"content-type", "text/plain"}},
                          .has_length = true,
                          .length = size};
        },
        [body] { return HttpBody{Plaintext::Copy(std::string_view(body))}; },
        [] { return HttpEnd{}; },
    };
  }
  void WaitForCancel() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return cancelled > 0; });
  }

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::vector<Seen> seen;
  Script script;
  int cancelled = 0;

 private:
  class FakeAnswer : public Answer {
   public:
    FakeAnswer(FakeBackend& backend, Script script)
        : backend_(backend), script_(std::move(script)) {}
    Result<AnswerPart> Next() override {
      if (next_ < script_.parts.size()) {
        return script_.parts[next_++]();
      }
      std::unique_lock lock(backend_.mutex);
      if (!script_.hangs) {
        return Fail(ErrorCode::kUnavailable, "the fake keeper died");
      }
      backend_.changed.wait(lock, [&] { return cancelled_; });
      return Fail(ErrorCode::kCancelled, "cancelled");
    }
    void Cancel() override {
      const std::lock_guard lock(backend_.mutex);
      cancelled_ = true;
      ++backend_.cancelled;
      backend_.changed.notify_all();
    }

   private:
    FakeBackend& backend_;
    Script script_;
    std::size_t next_ = 0;
    bool cancelled_ = false;
  };
};

inline UniqueFd ListenOnLoopback() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0 ||
      ::listen(fd.get(), 64) != 0) {
    std::abort();
  }
  return fd;
}

// A connection to the port of `address` on the loopback; an invalid one: refused.
inline UniqueFd ConnectTo(const std::string& address) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) {
    fd.Reset();
  }
  return fd;
}

struct TestKey {
  KeyId id;
  std::string bearer;  // "Bearer cm-..."
  custody::AdmittedKey admitted;
};

inline TestKey MakeKey(const TenantId& tenant) {
  TestKey key;
  key.id = crypto::RandomId<KeyId>();
  std::array<std::byte, 32> secret;
  crypto::FillRandom(secret);
  key.bearer = "Bearer cm-" + ToBase32(key.id.bytes()) + "-" + ToBase32(secret);
  key.admitted = {.id = key.id,
                  .verifier = crypto::Sha256(secret),
                  .tenant = tenant,
                  .principal = crypto::RandomId<PrincipalId>(),
                  .ceiling = policy::Label::kInternal};
  return key;
}

inline const custody::Identity& TestIdentity() {
  static const custody::Identity identity = [] {
    Result<crypto::CertifiedKey> authority =
        crypto::MakeCertificateAuthority("test", std::chrono::days(2));
    Result<crypto::CertifiedKey> leaf = crypto::IssueServerCertificate(
        *authority, {.dns_names = {"localhost"}, .ip_addresses = {"127.0.0.1"}});
    return custody::Identity{
        .certificate_der = leaf->certificate_der,
        .authority_der = authority->certificate_der,
        .private_key_der = Plaintext::Copy(leaf->private_key_der.RevealBytes())};
  }();
  return identity;
}

// One TLS connection of a test client, by OpenSSL itself.
class TlsClient {
 public:
  struct Options {
    std::string groups = "X25519MLKEM768";
    int version = TLS1_3_VERSION;
    std::string alpn = {};  // one name; empty: none
  };
  TlsClient(const std::string& address, const Options& options) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context_.get(), options.version);
    SSL_CTX_set_max_proto_version(context_.get(), options.version);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT);
    if (SSL_CTX_set1_groups_list(context_.get(), options.groups.c_str()) != 1) {
      std::abort();
    }
    socket_ = ConnectTo(address);
    if (!socket_.valid()) {
      return;
    }
    const int on = 1;  // as HTTP clients do
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.get());
    if (!options.alpn.empty()) {
      const std::string wire = static_cast<char>(options.alpn.size()) + options.alpn;
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                          static_cast<unsigned>(wire.size()));
    }
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  bool connected() const { return connected_; }
  std::string group() const { return SSL_get0_group_name(ssl_.get()); }
  SSL* ssl() const { return ssl_.get(); }
  bool Send(std::string_view text) {
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0;
  }
  // Reads until `end` was seen, or the server closed.
  std::string ReadUntil(std::string_view end) {
    std::string text;
    char byte = 0;
    while (text.find(end) == std::string::npos && SSL_read(ssl_.get(), &byte, 1) == 1) {
      text += byte;
    }
    return text;
  }
  std::string ReadAll() { return ReadUntil(std::string_view("\0never\0", 7)); }
  void Close() {
    SSL_shutdown(ssl_.get());
    socket_.Reset();
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{nullptr, &SSL_CTX_free};
  UniqueFd socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
  bool connected_ = false;
};

}  // namespace casemate::net::testing
