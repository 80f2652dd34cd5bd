#include "net/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "net/connection_internal.h"

namespace casemate::net {
namespace {

namespace asio = boost::asio;

// Connections over the limit that still get a 503 in words.
constexpr std::size_t kMaxOverloaded = 32;
constexpr std::chrono::milliseconds kAcceptPause(100);

Result<std::string> AddressOf(int socket) {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return FailErrno("getsockname");
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (name.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&name);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6->sin6_port));
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&name);
  ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(v4->sin_port));
}

// The operator's socket lets in the user that the server runs as, and root (SO_PEERCRED, unix(7)).
bool IsOperator(int socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return false;
  }
  if (peer.uid != ::geteuid() && peer.uid != 0) {
    Log(LogLevel::kWarning, "operator socket refused", {{"uid", peer.uid}});
    return false;
  }
  return true;
}

Result<void> SetNonBlocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return FailErrno("set a listening socket non-blocking");
  }
  return {};
}

}  // namespace

struct Server::State {
  Shared shared;
  std::string address;
  // Declared before the io_context: handlers that it destroys refer to the above.
  asio::io_context io;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::optional<asio::posix::stream_descriptor> tls_listener;
  std::optional<asio::posix::stream_descriptor> operator_listener;
  std::shared_ptr<const TlsContext> tls;               // the io_context's thread only
  std::vector<std::weak_ptr<Connection>> connections;  // the io_context's thread only
  std::unique_ptr<WorkPool> pool;
  std::thread thread;

  asio::awaitable<void> Accept(asio::posix::stream_descriptor& listener, Connection::Kind kind);
  void Begin(UniqueFd socket, Connection::Kind kind);
  std::size_t CountConnections();
};

std::size_t Server::State::CountConnections() {
  std::erase_if(connections, [](const auto& connection) { return connection.expired(); });
  return connections.size();
}

void Server::State::Begin(UniqueFd socket, Connection::Kind kind) {
  const std::size_t open = CountConnections();
  if (open >= shared.options.max_connections + kMaxOverloaded) {
    return;
  }
  ++shared.counters.connections;
  std::unique_ptr<Stream> stream = kind == Connection::Kind::kTls
                                       ? MakeTlsStream(io, std::move(socket), tls)
                                       : MakeUnixStream(io, std::move(socket));
  if (stream == nullptr) {
    return;
  }
  auto connection = std::make_shared<Connection>(io.get_executor(), shared, kind, std::move(stream),
                                                 open >= shared.options.max_connections);
  connections.push_back(connection);
  asio::co_spawn(
      io,
      [](std::shared_ptr<Connection> self) -> asio::awaitable<void> {
        co_await self->Run();
      }(std::move(connection)),
      asio::detached);
}

asio::awaitable<void> Server::State::Accept(asio::posix::stream_descriptor& listener,
                                            Connection::Kind kind) {
  Signal pause(io.get_executor());
  while (true) {
    boost::system::error_code ec;
    co_await listener.async_wait(asio::posix::descriptor_base::wait_read,
                                 asio::redirect_error(asio::use_awaitable, ec));
    if (ec) {
      co_return;
    }
    UniqueFd socket(
        ::accept4(listener.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid()) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        Log(LogLevel::kError, "cannot accept", {{"errno", errno}});
        co_await pause.Wait(std::chrono::steady_clock::now() + kAcceptPause);
      }
      continue;
    }
    if (kind == Connection::Kind::kTls || IsOperator(socket.get())) {
      Begin(std::move(socket), kind);
    }
  }
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, UniqueFd tls_listener,
                                              UniqueFd operator_listener,
                                              std::shared_ptr<Backend> backend) {
  auto state = std::make_unique<State>();
  state->shared.options = options;
  state->shared.backend = std::move(backend);
  if (tls_listener.valid()) {
    Result<std::string> address = AddressOf(tls_listener.get());
    if (!address) {
      return std::unexpected(address.error());
    }
    state->address = std::move(*address);
    if (Result<void> set = SetNonBlocking(tls_listener.get()); !set) {
      return std::unexpected(set.error());
    }
    state->tls_listener.emplace(state->io, tls_listener.Release());
  }
  if (operator_listener.valid()) {
    if (Result<void> set = SetNonBlocking(operator_listener.get()); !set) {
      return std::unexpected(set.error());
    }
    state->operator_listener.emplace(state->io, operator_listener.Release());
    asio::co_spawn(state->io, state->Accept(*state->operator_listener, Connection::Kind::kOperator),
                   asio::detached);
  }
  state->pool = std::make_unique<WorkPool>(options.workers);
  state->shared.pool = state->pool.get();
  state->work.emplace(state->io.get_executor());
  state->thread = std::thread([io = &state->io] { io->run(); });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() {
  State& state = *state_;
  std::promise<void> aborted;
  asio::post(state.io, [&state, &aborted] {
    for (auto* listener : {&state.tls_listener, &state.operator_listener}) {
      if (*listener) {
        boost::system::error_code ignored;
        (*listener)->close(ignored);
      }
    }
    for (const std::weak_ptr<Connection>& weak : state.connections) {
      if (const std::shared_ptr<Connection> connection = weak.lock()) {
        connection->Abort();
      }
    }
    aborted.set_value();
  });
  aborted.get_future().wait();
  state.io.stop();
  state.thread.join();
  state.shared.backend.reset();
  state.pool.reset();  // what waits for the backend was cancelled above
}

Result<void> Server::SetIdentity(const custody::Identity& identity) {
  Result<std::shared_ptr<const TlsContext>> made =
      TlsContext::Make(state_->shared.options.tls, identity);
  if (!made) {
    return std::unexpected(made.error());
  }
  asio::post(state_->io, [state = state_.get(), context = std::move(*made)] {
    const bool first = state->tls == nullptr;
    state->tls = context;
    state->shared.has_identity = true;
    if (first && state->tls_listener) {
      asio::co_spawn(state->io, state->Accept(*state->tls_listener, Connection::Kind::kTls),
                     asio::detached);
    }
  });
  return {};
}

void Server::SetAdmission(const custody::Admission& admission) {
  auto table = std::make_shared<const AdmissionTable>(admission);
  asio::post(state_->io, [state = state_.get(), table = std::move(table)] {
    state->shared.admission = table;
    for (const std::weak_ptr<Connection>& weak : state->connections) {
      const std::shared_ptr<Connection> connection = weak.lock();
      if (connection != nullptr && connection->caller() && !table->Admits(*connection->caller())) {
        Log(LogLevel::kInfo, "request ended: its key is not admitted any more",
            {{"key", connection->caller()->key.ToString()}});
        connection->Abort();
      }
    }
  });
}

const std::string& Server::address() const { return state_->address; }

ServerCounters Server::counters() const {
  const auto& now = state_->shared.counters;
  return {.connections = now.connections,
          .refused_handshakes = now.refused_handshakes,
          .classical_connections = now.classical_connections,
          .requests = now.requests,
          .unauthenticated = now.unauthenticated};
}

}  // namespace casemate::net
