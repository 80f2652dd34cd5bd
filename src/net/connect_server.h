#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "net/backend.h"
#include "net/connect_gate.h"
#include "net/http_options.h"

namespace casemate::net {

// connect's listener: plain HTTP/1.1 on loopback or a UNIX socket, with the bounds, the streaming
// and the cancelling of the front's server. Threads: all members may be called at any time.
class ConnectServer {
 public:
  // Serves at once. `options.workers` is how many answers can be waited for together. Errors:
  // kUnavailable.
  [[nodiscard]] static Result<std::unique_ptr<ConnectServer>> Start(
      const HttpServerOptions& options, UniqueFd listener, ConnectGate::Options gate,
      std::shared_ptr<Backend> backend);
  // Closes every connection, cancels every request.
  ~ConnectServer();
  ConnectServer(const ConnectServer&) = delete;
  ConnectServer& operator=(const ConnectServer&) = delete;

 private:
  struct State;
  explicit ConnectServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "127.0.0.1:8080", "[::1]:8080" of a listening internet socket. Errors: kUnavailable.
[[nodiscard]] Result<std::string> ListenerAddress(const UniqueFd& listener);

}  // namespace casemate::net
