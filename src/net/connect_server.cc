#include "net/connect_server.h"

#include "net/http_server_internal.h"

namespace casemate::net {

struct ConnectServer::State {
  State(const HttpServerOptions& options, std::shared_ptr<Backend> backend)
      : http(options, std::move(backend)) {}
  HttpServer http;
};

ConnectServer::ConnectServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
ConnectServer::~ConnectServer() = default;

Result<std::unique_ptr<ConnectServer>> ConnectServer::Start(const HttpServerOptions& options,
                                                            UniqueFd listener,
                                                            ConnectGate::Options gate,
                                                            std::shared_ptr<Backend> backend) {
  auto state = std::make_unique<State>(options, std::move(backend));
  Result<void> listens = state->http.Listen(
      std::move(listener), std::make_shared<ConnectGate>(std::move(gate)), &MakePlainStream);
  if (!listens) {
    return std::unexpected(listens.error());
  }
  return std::unique_ptr<ConnectServer>(new ConnectServer(std::move(state)));
}

Result<std::string> ListenerAddress(const UniqueFd& listener) { return AddressOf(listener.get()); }

}  // namespace casemate::net
