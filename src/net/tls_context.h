#pragma once

#include <memory>
#include <utility>

#include "base/error.h"
#include "custody/messages.h"
#include "net/tls_policy.h"

namespace casemate::net {

// How this server does TLS: as the policy has it (net/tls_policy.h), with ALPN http/1.1.
// Threads: const members may run at the same time.
class TlsContext {
 public:
  // Errors: kInvalidArgument: as MakeTlsContext; a certificate or key that does not parse or match.
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> Make(
      const TlsSettings& settings, const custody::Identity& identity);
  // A connection that writes what its client offers into `hello`, which must outlive it. The caller
  // owns it (SSL_free). nullptr: out of memory.
  ssl_st* NewConnection(ClientHello* hello) const;
  TlsMinimum minimum() const { return minimum_; }
  const std::shared_ptr<const HopCertificate>& certificate() const { return certificate_; }

 private:
  TlsContext(SslContext context, TlsMinimum minimum,
             std::shared_ptr<const HopCertificate> certificate)
      : context_(std::move(context)), minimum_(minimum), certificate_(std::move(certificate)) {}
  SslContext context_;
  TlsMinimum minimum_;
  std::shared_ptr<const HopCertificate> certificate_;  // ours
};

}  // namespace casemate::net
