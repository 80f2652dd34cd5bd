#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "net/backend.h"
#include "net/gate.h"
#include "net/http_options.h"
#include "net/http_parser.h"
#include "net/request_target.h"
#include "net/response_head.h"
#include "net/route_template.h"
#include "net/signal_internal.h"
#include "net/stream_internal.h"
#include "net/work_pool.h"

namespace casemate::net {

// What the connections of one server share. The io_context's thread only, but for `counters`.
struct Shared {
  HttpServerOptions options;
  std::shared_ptr<Backend> backend;
  bool draining = false;  // each connection's next answer is its last
  std::uint32_t requests_in_flight = 0;
  struct {
    std::atomic<std::uint64_t> connections, refused_handshakes, classical_connections, requests,
        unauthenticated;
  } counters;
  WorkPool* pool = nullptr;
};

// One client: reads requests, asks the backend, writes answers, in order. Two coroutines: one reads
// whatever comes, so that a client that leaves is noticed while its answer is being made; the other
// does everything else. Held by both, because a handler may outlive whoever made it. Threads: the
// io_context's only.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(const boost::asio::any_io_executor& executor, Shared& shared,
             std::shared_ptr<const Gate> gate, std::unique_ptr<Stream> stream, bool overloaded);

  // Serves until the client or an error ends it.
  boost::asio::awaitable<void> Run();
  // Cancels what is in flight and closes.
  void Abort();
  // For whom a request is in flight, if one is.
  const std::optional<Caller>& caller() const { return caller_; }
  // No byte of a request has come.
  bool idle() const { return idle_; }

 private:
  using Clock = std::chrono::steady_clock;
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;
  struct Request {
    MessageHead head;
    RequestTarget target;
    std::string id;                     // x-request-id
    std::vector<Header> answer_fields;  // the gate's
    bool keep_alive = true;
    bool unread_body = false;  // what is answered now is answered before the client has sent all
    std::string_view route = kOtherRoute;
    Clock::time_point begun = Clock::now();
  };

  // The hop table's and the log's.
  void RefuseHop(const std::string& why, std::uint64_t refused_so_far);
  void OpenHop();

  // Input.
  Awaitable<void> ReadLoop();
  PlaintextView input() const { return input_.view().Part(0, input_size_); }
  void Consume(std::size_t bytes);
  // Waits for more input than there is now; false: the time came or the client left.
  Awaitable<bool> WaitForInput(Clock::time_point until);

  // One request; false: no further one on this connection.
  Awaitable<bool> ServeOne();
  Awaitable<Result<void>> ReadHead(HttpParser& parser);
  Awaitable<Result<void>> ReadBody(HttpParser& parser, Plaintext& body);
  Awaitable<bool> Route(HttpParser& parser, Request request);
  Awaitable<bool> Forward(HttpParser& parser, Request& request, const Caller& caller);
  Awaitable<bool> Relay(Request& request, const std::shared_ptr<Answer>& answer);

  // Answers of our own.
  Awaitable<bool> ReplyHealth(const Request& request);
  // The operator's own pages; nothing: there is none for this request.
  Awaitable<std::optional<bool>> ReplyPage(const Request& request);
  Awaitable<bool> Reply(const Request& request, HttpHead head, Plaintext body);
  // `status` 0: the error code's own.
  Awaitable<bool> ReplyError(const Request& request, const Error& error, std::uint16_t status = 0,
                             std::string_view code = {});
  // After a refusal: lets the client read it before the connection goes.
  Awaitable<void> Drain();
  Awaitable<bool> Write(PlaintextView bytes);

  // Runs `work` on the pool and waits for it here.
  template <typename T>
  Awaitable<T> OnPool(std::function<T()> work);
  // Closes the connection unless it is cancelled in time.
  void StartGuard(std::chrono::milliseconds timeout);
  void StopGuard() { guard_.cancel(); }

  boost::asio::any_io_executor executor_;
  Shared& shared_;
  std::shared_ptr<const Gate> gate_;
  std::unique_ptr<Stream> stream_;
  bool overloaded_;
  std::string tls_group_;
  bool tls_classical_ = false;  // the hop's minimum was lowered

  Plaintext input_;  // the first input_size_ bytes are input that was not taken yet
  std::size_t input_size_ = 0;
  bool input_ended_ = false;
  bool closed_ = false;
  bool idle_ = false;
  Signal input_came_;
  Signal room_came_;
  boost::asio::steady_timer guard_;

  std::optional<Caller> caller_;    // while a request is in flight
  std::shared_ptr<Answer> answer_;  // while one is being made
};

}  // namespace casemate::net
