#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fd.h"
#include "net/hop_table.h"
#include "net/interrupt.h"
#include "net/tls_policy.h"
#include "secmem/plaintext.h"

// The client's end of hybrid TLS: blocking calls that an Interrupt ends.
//
// Errors, the same everywhere: kUnavailable: the gateway cannot be reached, or went away;
// kIntegrityFailure: its certificate is not one of the pinned authority for that name;
// kPermissionDenied: it agreed to no hybrid key exchange; kInvalidArgument: it does not speak TLS;
// kDeadlineExceeded: it was silent for too long; kCancelled: the Interrupt was raised.
namespace casemate::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

struct GatewayTimeouts {
  std::chrono::milliseconds connect = std::chrono::seconds(10);  // each address, and the handshake
  std::chrono::milliseconds silence = std::chrono::minutes(10);  // no byte in, or out
};

// Who the gateway is: a name or numeric address that its certificate must have, and the one
// authority that may have issued it. TLS 1.3 with a hybrid group only; no tickets, no early data.
// Threads: const members may run at the same time.
class GatewayIdentity {
 public:
  // Errors: kInvalidArgument: not a certificate, or not a name.
  [[nodiscard]] static Result<std::shared_ptr<const GatewayIdentity>> Make(ByteView authority_der,
                                                                           const std::string& name);
  ~GatewayIdentity() = default;
  GatewayIdentity(const GatewayIdentity&) = delete;
  GatewayIdentity& operator=(const GatewayIdentity&) = delete;

 private:
  friend class GatewayConnection;
  GatewayIdentity(SslContext context, std::string name, bool numeric)
      : context_(std::move(context)), name_(std::move(name)), numeric_(numeric) {}
  SslContext context_;
  std::string name_;
  bool numeric_;
};

// One connection. Threads: one at a time.
class GatewayConnection {
 public:
  // Tries the addresses in turn. What comes of it stands in `hops`.
  [[nodiscard]] static Result<std::unique_ptr<GatewayConnection>> Open(
      const GatewayIdentity& identity, std::span<const SocketAddress> addresses,
      const GatewayTimeouts& timeouts, const Interrupt& interrupt, HopTable& hops);
  ~GatewayConnection();
  GatewayConnection(const GatewayConnection&) = delete;
  GatewayConnection& operator=(const GatewayConnection&) = delete;

  [[nodiscard]] Result<void> Write(PlaintextView bytes, const Interrupt& interrupt);
  // Waits for at least one byte; 0 at the end, said by the gateway (close_notify).
  [[nodiscard]] Result<std::size_t> Read(std::span<std::byte> into, const Interrupt& interrupt);
  // Nothing has come and nobody has left: fit for one more request.
  bool quiet() const;
  // What was negotiated, as OpenSSL reads it back: "X25519MLKEM768".
  const std::string& group() const { return facts_.group; }

 private:
  GatewayConnection(UniqueFd socket, const GatewayTimeouts& timeouts)
      : socket_(std::move(socket)), timeouts_(timeouts) {}
  [[nodiscard]] Result<void> Handshake(const GatewayIdentity& identity, const Interrupt& interrupt);
  void WriteDown(const Result<void>& shaken, HopTable& hops);
  // After an SSL call that returned `result`: waits if it only has to be repeated. Errors: what
  // went wrong; kUnavailable with an empty message: the end.
  [[nodiscard]] Result<void> Settle(int result, std::chrono::milliseconds timeout,
                                    const Interrupt& interrupt);

  UniqueFd socket_;
  GatewayTimeouts timeouts_;
  ssl_st* ssl_ = nullptr;
  HopFacts facts_;
  HopUse use_;
};

// The addresses of a name or numeric address. Errors: kNotFound: the name has none; kUnavailable.
[[nodiscard]] Result<std::vector<SocketAddress>> Resolve(const std::string& host,
                                                         std::uint16_t port);

}  // namespace casemate::net
