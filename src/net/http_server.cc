#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <future>
#include <utility>

#include "base/log.h"
#include "net/http_server_internal.h"

namespace casemate::net {
namespace {

namespace asio = boost::asio;

// Connections over the limit that still get a 503 in words.
constexpr std::size_t kMaxOverloaded = 32;
constexpr std::chrono::milliseconds kAcceptPause(100);
constexpr std::chrono::milliseconds kDrainLook(20);

}  // namespace

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

HttpServer::HttpServer(const HttpServerOptions& options, std::shared_ptr<Backend> backend)
    : work_(io_.get_executor()), pool_(std::make_unique<WorkPool>(options.workers)) {
  shared_.options = options;
  shared_.backend = std::move(backend);
  shared_.pool = pool_.get();
  thread_ = std::thread([this] { io_.run(); });
}

HttpServer::~HttpServer() { Stop(); }

Result<void> HttpServer::Listen(UniqueFd socket, std::shared_ptr<const Gate> gate,
                                MakeStream make_stream, bool while_draining) {
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return FailErrno("set a listening socket non-blocking");
  }
  auto fd = std::make_shared<UniqueFd>(std::move(socket));
  Post([this, fd, gate = std::move(gate), make_stream = std::move(make_stream),
        while_draining]() mutable {
    Listener& listener =
        listeners_.emplace_back(asio::posix::stream_descriptor(io_, fd->Release()), std::move(gate),
                                std::move(make_stream), while_draining);
    asio::co_spawn(io_, Accept(listener), asio::detached);
  });
  return {};
}

void HttpServer::Stop() {
  if (!thread_.joinable()) {
    return;
  }
  std::promise<void> aborted;
  Post([this, &aborted] {
    for (Listener& listener : listeners_) {
      boost::system::error_code ignored;
      listener.socket.close(ignored);
    }
    for (const std::weak_ptr<Connection>& weak : connections_) {
      if (const std::shared_ptr<Connection> connection = weak.lock()) {
        connection->Abort();
      }
    }
    aborted.set_value();
  });
  aborted.get_future().wait();
  io_.stop();
  thread_.join();
  shared_.backend.reset();
  pool_.reset();  // what waits for the backend was cancelled above
}

void HttpServer::Post(std::function<void()> work) { asio::post(io_, std::move(work)); }

void HttpServer::AbortIf(const std::function<bool(const Caller&)>& unwanted) {
  for (const std::weak_ptr<Connection>& weak : connections_) {
    const std::shared_ptr<Connection> connection = weak.lock();
    if (connection != nullptr && connection->caller() && unwanted(*connection->caller())) {
      connection->Abort();
    }
  }
}

ServerCounters HttpServer::counters() const {
  const auto& now = shared_.counters;
  return {.connections = now.connections,
          .refused_handshakes = now.refused_handshakes,
          .classical_connections = now.classical_connections,
          .requests = now.requests,
          .unauthenticated = now.unauthenticated};
}

std::size_t HttpServer::CountConnections() {
  std::erase_if(connections_, [](const auto& connection) { return connection.expired(); });
  return connections_.size();
}

void HttpServer::SetLimits(std::uint64_t max_body_bytes, std::uint32_t max_connections) {
  shared_.options.limits.max_body_bytes = max_body_bytes;
  shared_.options.max_connections = max_connections;
}

void HttpServer::Drain(std::function<void()> drained) {
  shared_.draining = true;
  for (Listener& listener : listeners_) {
    if (!listener.while_draining) {
      boost::system::error_code ignored;
      listener.socket.close(ignored);
    }
  }
  for (const std::weak_ptr<Connection>& weak : connections_) {
    const std::shared_ptr<Connection> connection = weak.lock();
    if (connection != nullptr && connection->idle()) {
      connection->Abort();
    }
  }
  asio::co_spawn(io_, AwaitDrained(std::move(drained)), asio::detached);
}

asio::awaitable<void> HttpServer::AwaitDrained(std::function<void()> drained) {
  Signal pause(io_.get_executor());
  while (CountConnections() > 0) {
    co_await pause.Wait(std::chrono::steady_clock::now() + kDrainLook);
  }
  drained();
}

void HttpServer::Begin(UniqueFd socket, const Listener& listener) {
  const std::size_t open = CountConnections();
  if (open >= shared_.options.max_connections + kMaxOverloaded) {
    return;
  }
  ++shared_.counters.connections;
  std::unique_ptr<Stream> stream = listener.make_stream(io_, std::move(socket));
  if (stream == nullptr) {
    return;
  }
  auto connection =
      std::make_shared<Connection>(io_.get_executor(), shared_, listener.gate, std::move(stream),
                                   open >= shared_.options.max_connections);
  connections_.push_back(connection);
  asio::co_spawn(
      io_,
      [](std::shared_ptr<Connection> self) -> asio::awaitable<void> {
        co_await self->Run();
      }(std::move(connection)),
      asio::detached);
}

asio::awaitable<void> HttpServer::Accept(Listener& listener) {
  Signal pause(io_.get_executor());
  while (true) {
    boost::system::error_code ec;
    co_await listener.socket.async_wait(asio::posix::descriptor_base::wait_read,
                                        asio::redirect_error(asio::use_awaitable, ec));
    if (ec) {
      co_return;
    }
    UniqueFd socket(
        ::accept4(listener.socket.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.valid()) {
      Begin(std::move(socket), listener);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      Log(LogLevel::kError, "cannot accept", {{"errno", errno}});
      co_await pause.Wait(std::chrono::steady_clock::now() + kAcceptPause);
    }
  }
}

}  // namespace casemate::net
