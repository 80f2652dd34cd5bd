#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "custody/messages.h"
#include "net/backend.h"
#include "net/http_options.h"
#include "net/operator_pages.h"
#include "net/tls_context.h"

namespace casemate::net {

// Why requests are refused while there is no admission table.
enum class Admitting : std::uint8_t {
  kNotYet,         // the custodian has not sent it
  kCustodianLost,  // it died and is being started again
  kLocked,         // it waits for its passphrase
};

struct ServerOptions : HttpServerOptions {
  TlsSettings tls;
  OperatorPages operator_pages{};  // on the operator's socket
};

// The front's HTTP/1.1 server: the TLS port, where a request needs an API key, and the operator's
// UNIX socket, where the peer's user is the credential. `GET /health` and `GET /ready` are answered
// here, and on the operator's socket kHopsPath (net/hop_json.h); everything else by the backend.
// One thread does all network work; `workers` threads wait for the backend. Threads: all members
// may be called at any time.
class Server {
 public:
  // Takes listening sockets (either may be absent). The operator's socket is served at once, the
  // TLS port from the first SetIdentity on (clients wait until then; where the server is locked
  // they are turned away with an alert); requests are refused with 503 until SetAdmission. Errors:
  // kInvalidArgument: the settings; kUnavailable.
  [[nodiscard]] static Result<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                             UniqueFd tls_listener,
                                                             UniqueFd operator_listener,
                                                             std::shared_ptr<Backend> backend);
  // Closes every connection, cancels every request, joins the threads.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // New connections use it from now on. Errors: as TlsContext::Make.
  [[nodiscard]] Result<void> SetIdentity(const custody::Identity& identity);
  // Replaces the table. Requests in flight of callers that it does not hold any more, or holds
  // with other rights, are cancelled and their connections closed.
  void SetAdmission(const custody::Admission& admission);
  // Nobody is let in until the next table; says why. What is in flight goes on.
  void Suspend(Admitting why);

  // Other limits and groups from now on; connections there are keep what they agreed on. Errors: as
  // TlsContext::Make; nothing changed then.
  [[nodiscard]] Result<void> SetLimits(const TlsSettings& tls, std::uint64_t max_body_bytes,
                                       std::uint32_t max_connections);
  // The TLS port accepts nobody any more; connections that wait for a request are ended, the others
  // finish the one that they have. Calls `drained` when the last is gone, on the network thread.
  // `GET /ready` says 503 from now on.
  void Drain(std::function<void()> drained);

  // "127.0.0.1:8443", "[::1]:8443"; empty without a TLS port.
  const std::string& address() const;
  ServerCounters counters() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace casemate::net
