#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/connection_internal.h"

namespace casemate::net {

// What the front's server and connect's have in common: listeners, one network thread that accepts
// and serves their connections, threads that wait for the backend. Threads: the constructor, Listen
// and Stop by the owner; the rest is said at each member.
class HttpServer {
 public:
  // Makes the stream of an accepted connection; nullptr: it is dropped.
  using MakeStream = std::function<std::unique_ptr<Stream>(boost::asio::io_context&, UniqueFd)>;

  HttpServer(const HttpServerOptions& options, std::shared_ptr<Backend> backend);
  ~HttpServer();  // Stop
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Accepts on a listening socket from now on. Errors: kUnavailable: it cannot be used.
  // With `while_draining` also after Drain.
  [[nodiscard]] Result<void> Listen(UniqueFd socket, std::shared_ptr<const Gate> gate,
                                    MakeStream make_stream, bool while_draining = false);
  // Closes every connection, cancels every request, joins the threads. Once.
  void Stop();

  // Runs `work` on the network thread. Any thread.
  void Post(std::function<void()> work);
  // The network thread: ends the connections whose request in flight is for such a caller.
  void AbortIf(const std::function<bool(const Caller&)>& unwanted);
  ServerCounters counters() const;  // any thread
  // The network thread: other limits from now on.
  void SetLimits(std::uint64_t max_body_bytes, std::uint32_t max_connections);
  // The network thread: accepts nobody any more, ends connections that wait for a request, lets the
  // others finish the one that they have, and calls `drained` when the last is gone.
  void Drain(std::function<void()> drained);

 private:
  struct Listener {
    boost::asio::posix::stream_descriptor socket;
    std::shared_ptr<const Gate> gate;
    MakeStream make_stream;
    bool while_draining = false;
  };
  boost::asio::awaitable<void> Accept(Listener& listener);
  boost::asio::awaitable<void> AwaitDrained(std::function<void()> drained);
  void Begin(UniqueFd socket, const Listener& listener);
  std::size_t CountConnections();

  Shared shared_;
  // Declared after what the handlers that it destroys refer to.
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::list<Listener> listeners_;                       // the network thread, once it runs
  std::vector<std::weak_ptr<Connection>> connections_;  // the network thread
  std::unique_ptr<WorkPool> pool_;
  std::thread thread_;
};

// "127.0.0.1:8443", "[::1]:8443" of a listening internet socket. Errors: kUnavailable.
[[nodiscard]] Result<std::string> AddressOf(int socket);

}  // namespace casemate::net
