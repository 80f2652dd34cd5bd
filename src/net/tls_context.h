#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "custody/messages.h"
#include "net/tls_group.h"

struct ssl_st;      // OpenSSL's SSL
struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace casemate::net {

struct TlsSettings {
  // Hybrid groups by OpenSSL's names, spelled out. The pseudo-group DEFAULT is refused: servers
  // that use it lose the order of groups and take X25519 from clients that could do better
  // (CVE-2026-2673).
  std::vector<std::string> groups = {"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"};
  // When false, X25519 alone is accepted from clients that know none of `groups`.
  bool hybrid_only = true;
};

// How this server does TLS: version 1.3 only; no tickets, no session cache, no early data, no
// renegotiation, no compression; ALPN http/1.1; plaintext wiped from the library's buffers.
// Threads: const members may run at the same time.
class TlsContext {
 public:
  // Errors: kInvalidArgument: a group that is not hybrid, is unknown, or is DEFAULT; a certificate
  // or key that does not parse or match.
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> Make(
      const TlsSettings& settings, const custody::Identity& identity);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A connection that writes what its client offers into `hello`, which must outlive it. The caller
  // owns it (SSL_free). nullptr: out of memory.
  ssl_st* NewConnection(ClientHello* hello) const;
  // "X25519MLKEM768", after the handshake.
  static std::string GroupOf(const ssl_st* connection);

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

}  // namespace casemate::net
