#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "net/gateway_connection.h"

namespace casemate::net {

struct GatewayOptions {
  std::string host;  // as its certificate has it: a name or a numeric address
  std::uint16_t port = 0;
  std::vector<SocketAddress> addresses;  // resolved once: there are no files to do it with later
  Bytes authority_der;
  GatewayTimeouts timeouts = {};
  std::shared_ptr<HopTable> hops = HopTable::Make();  // where connections are written down
};

// The gateway as connect sees it: connections are kept for the next request. Threads: all members
// may run at the same time.
class Gateway {
 public:
  // Errors: as GatewayIdentity::Make.
  [[nodiscard]] static Result<std::shared_ptr<Gateway>> Make(GatewayOptions options);

  struct Taken {
    std::unique_ptr<GatewayConnection> connection;
    bool used_before = false;  // it may turn out to be gone
  };
  // A connection for one request, a new one if `fresh`. Errors: as GatewayConnection::Open.
  [[nodiscard]] Result<Taken> Take(const Interrupt& interrupt, bool fresh);
  // One that answered its request and said it stays open.
  void Give(std::unique_ptr<GatewayConnection> connection);

  // "127.0.0.1:8443", "[::1]:8443": what stands in the Host field.
  const std::string& authority() const { return authority_; }
  // The group of the newest connection; empty before the first.
  std::string group() const;
  // Why the newest attempt failed; nullopt: it did not.
  std::optional<Error> trouble() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Idle {
    std::unique_ptr<GatewayConnection> connection;
    Clock::time_point since;
  };
  Gateway(GatewayOptions options, std::shared_ptr<const GatewayIdentity> identity);

  const GatewayOptions options_;
  const std::shared_ptr<const GatewayIdentity> identity_;
  const std::string authority_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<Idle> idle_;    // newest last
  std::string group_;
  std::optional<Error> trouble_;
};

}  // namespace casemate::net
