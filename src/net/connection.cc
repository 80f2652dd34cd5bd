#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "net/connection_internal.h"
#include "net/http_metrics_internal.h"
#include "net/tls_policy.h"

namespace casemate::net {
namespace {

constexpr std::size_t kInputBytes = std::size_t{32} * 1024;
constexpr std::size_t kReadBytes = std::size_t{16} * 1024;  // what a TLS record holds at most
constexpr std::chrono::seconds kGoodbyeTime(1);

std::string NewRequestId() {
  std::array<std::byte, 16> random;
  crypto::FillRandom(random);
  return "req_" + ToBase32(random);
}

bool IsToken(std::string_view value, std::string_view token) {
  return std::ranges::equal(value, token, [](char have, char want) {
    return have == want || (have >= 'A' && have <= 'Z' && have - 'A' + 'a' == want);
  });
}

}  // namespace

Connection::Connection(const boost::asio::any_io_executor& executor, Shared& shared,
                       std::shared_ptr<const Gate> gate, std::unique_ptr<Stream> stream,
                       bool overloaded)
    : executor_(executor),
      shared_(shared),
      gate_(std::move(gate)),
      stream_(std::move(stream)),
      overloaded_(overloaded),
      input_(Plaintext::Zeroed(kInputBytes)),
      input_came_(executor),
      room_came_(executor),
      guard_(executor) {}

void Connection::StartGuard(std::chrono::milliseconds timeout) {
  guard_.expires_after(timeout);
  guard_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
    if (const std::shared_ptr<Connection> self = weak.lock(); self != nullptr && !ec) {
      self->Abort();
    }
  });
}

void Connection::Abort() {
  closed_ = true;
  input_ended_ = true;
  if (answer_ != nullptr) {
    answer_->Cancel();
  }
  stream_->Close();
  input_came_.Notify();
  room_came_.Notify();
}

Connection::Awaitable<void> Connection::Run() {
  const std::shared_ptr<Connection> self = shared_from_this();
  StartGuard(shared_.options.handshake_timeout);
  const Result<void> shaken = co_await stream_->Handshake();
  StopGuard();
  if (!shaken) {
    const std::uint64_t refused = ++shared_.counters.refused_handshakes;
    RefuseHop(closed_ ? "not finished in time" : shaken.error().message, refused);
    stream_->Close();
    co_return;
  }
  OpenHop();
  boost::asio::co_spawn(executor_, ReadLoop(), boost::asio::detached);
  while (!closed_ && !shared_.draining && co_await ServeOne()) {
  }
  if (!closed_ && !input_ended_) {
    StartGuard(kGoodbyeTime);
    co_await stream_->Shutdown();
    StopGuard();
  }
  Abort();
}

void Connection::RefuseHop(const std::string& why, std::uint64_t refused_so_far) {
  const HopFacts facts = stream_->facts();
  const ClientHello& hello = stream_->hello();
  const std::string_view reason = RefusalReason(closed_, hello);
  CountRefusedHandshake(reason);
  Log(LogLevel::kWarning, "TLS handshake refused",
      {{"refused_so_far", refused_so_far},
       {"peer", facts.peer},
       {"reason", why},
       {"client_groups", hello.groups},
       {"client_versions", hello.versions}});
  if (shared_.options.hops != nullptr) {
    shared_.options.hops->Refuse({.hop = std::string(gate_->HopName()),
                                  .peer = facts.peer,
                                  .made = false,
                                  .reason = std::string(reason),
                                  .detail = why,
                                  .groups = hello.groups,
                                  .versions = hello.versions});
  }
}

void Connection::OpenHop() {
  HopFacts facts = stream_->facts();
  facts.hop = gate_->HopName();
  tls_group_ = facts.group;
  tls_classical_ = facts.minimum == TlsMinimumName(TlsMinimum::kClassical);
  if (!tls_group_.empty()) {
    CountHandshake(tls_group_);
  }
  if (!tls_group_.empty() && !IsHybridGroup(tls_group_)) {
    const std::uint64_t classical = ++shared_.counters.classical_connections;
    Log(LogLevel::kWarning, "classical connection",
        {{"classical_so_far", classical},
         {"peer", facts.peer},
         {"group", tls_group_},
         {"client_groups", stream_->hello().groups}});
  }
  if (shared_.options.hops != nullptr) {
    stream_->CountBy(shared_.options.hops->Open(facts));
  }
}

Connection::Awaitable<void> Connection::ReadLoop() {
  const std::shared_ptr<Connection> self = shared_from_this();
  Plaintext piece = Plaintext::Zeroed(kReadBytes);
  while (!closed_) {
    const Result<std::size_t> count = co_await stream_->Read(piece.mutable_bytes());
    if (!count || *count == 0) {
      break;
    }
    while (!closed_ && input_.size() - input_size_ < *count) {
      co_await room_came_.Wait();
    }
    if (closed_) {
      break;
    }
    std::ranges::copy(piece.mutable_bytes().first(*count),
                      input_.mutable_bytes().begin() + static_cast<std::ptrdiff_t>(input_size_));
    input_size_ += *count;
    Wipe(piece.mutable_bytes().first(*count));
    input_came_.Notify();
  }
  // The client left: nobody waits for the answer that is being made.
  input_ended_ = true;
  if (answer_ != nullptr) {
    answer_->Cancel();
  }
  input_came_.Notify();
}

void Connection::Consume(std::size_t bytes) {
  const auto all = input_.mutable_bytes().first(input_size_);
  std::ranges::copy(all.subspan(bytes), all.begin());
  Wipe(all.last(bytes));
  input_size_ -= bytes;
  room_came_.Notify();
}

Connection::Awaitable<bool> Connection::WaitForInput(Clock::time_point until) {
  const std::size_t before = input_size_;
  while (input_size_ == before && !input_ended_) {
    co_await input_came_.Wait(until);
    if (input_size_ == before && Clock::now() >= until) {
      co_return false;
    }
  }
  co_return input_size_ != before;
}

Connection::Awaitable<bool> Connection::ServeOne() {
  if (input_size_ == 0) {
    idle_ = true;
    const bool came = co_await WaitForInput(Clock::now() + shared_.options.idle_timeout);
    idle_ = false;
    if (!came) {
      co_return false;
    }
  }
  HttpParser parser(HttpParser::Kind::kRequest,
                    {.max_header_bytes = shared_.options.limits.max_header_bytes,
                     .max_body_bytes = shared_.options.limits.max_body_bytes});
  Request request;
  request.id = NewRequestId();
  const Result<void> read = co_await ReadHead(parser);
  if (!read) {
    request.keep_alive = false;
    request.unread_body = true;
    if (read.error().code == ErrorCode::kDeadlineExceeded) {
      co_return co_await ReplyError(request, read.error(), 408);
    }
    if (read.error().code == ErrorCode::kCancelled) {
      co_return false;  // left in the middle of a request
    }
    const bool header = read.error().param == "header";
    co_return co_await ReplyError(
        request, read.error(),
        read.error().code == ErrorCode::kTooLarge ? (header ? 431 : 413) : 400);
  }
  ++shared_.counters.requests;
  request.keep_alive = parser.keep_alive() && !overloaded_ && !shared_.draining;
  request.head = std::move(parser.head());
  Result<RequestTarget> target = ParseTarget(request.head.target);
  // RFC 9112, section 3.2: "A server MUST respond with a 400 (Bad Request) status code to any
  // HTTP/1.1 request message that lacks a Host header field and to any request message that
  // contains more than one Host header field line".
  const auto hosts = std::ranges::count(request.head.headers, "host", &Header::name);
  if (hosts > 1 || (hosts == 0 && request.head.http11)) {
    target = Fail(ErrorCode::kInvalidArgument,
                  "expected one Host header, found " + std::to_string(hosts));
  }
  if (!target) {
    request.keep_alive = false;
    request.unread_body = !parser.done();
    co_return co_await ReplyError(request, target.error());
  }
  request.target = std::move(*target);
  request.route = RouteTemplate(request.target.path);
  co_return co_await Route(parser, std::move(request));
}

Connection::Awaitable<Result<void>> Connection::ReadHead(HttpParser& parser) {
  // One deadline for the whole head: a client that sends a byte now and then does not move it.
  const Clock::time_point until = Clock::now() + shared_.options.header_timeout;
  while (true) {
    const Result<std::size_t> taken = parser.Feed(input());
    if (!taken) {
      co_return std::unexpected(taken.error());
    }
    Consume(*taken);
    if (parser.head_done()) {
      co_return Result<void>{};
    }
    if (input_size_ == input_.size()) {
      co_return std::unexpected(Error{.code = ErrorCode::kTooLarge,
                                      .message = "a line of the header is over the limit",
                                      .param = "header",
                                      .detail = {}});
    }
    if (!co_await WaitForInput(until)) {
      co_return input_ended_
          ? Fail(ErrorCode::kCancelled, "the client left")
          : Fail(ErrorCode::kDeadlineExceeded,
                 "the header was not complete within " +
                     std::to_string(shared_.options.header_timeout.count()) + " ms");
    }
  }
}

Connection::Awaitable<Result<void>> Connection::ReadBody(HttpParser& parser, Plaintext& body) {
  const Clock::time_point begun = Clock::now();
  while (!parser.done()) {
    const Result<std::size_t> taken = parser.Feed(input());
    if (!taken) {
      co_return std::unexpected(taken.error());
    }
    Consume(*taken);
    const Plaintext piece = parser.TakeBody();
    body.Append(piece);
    if (parser.done() || (*taken > 0 && input_size_ > 0)) {
      continue;
    }
    const Clock::time_point by = begun + shared_.options.body_timeout +
                                 std::chrono::seconds(body.size() / shared_.options.min_body_rate);
    const Clock::time_point until = std::min(Clock::now() + shared_.options.stall_timeout, by);
    if (Clock::now() >= by || !co_await WaitForInput(until)) {
      co_return input_ended_
          ? Fail(ErrorCode::kCancelled, "the client left")
          : Fail(ErrorCode::kDeadlineExceeded,
                 "the body comes too slowly: " + std::to_string(body.size()) + " bytes within " +
                     std::to_string(
                         std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun)
                             .count()) +
                     " ms");
    }
  }
  co_return Result<void>{};
}

Connection::Awaitable<bool> Connection::Route(HttpParser& parser, Request request) {
  const std::string& method = request.head.method;
  // Whatever is answered before the body was read ends the connection, unless there is none.
  const bool keep_alive = request.keep_alive;
  request.keep_alive = keep_alive && parser.done();
  request.unread_body = !parser.done();
  request.answer_fields = gate_->AnswerFields(request.head);
  if (const std::optional<Gate::Refusal> refusal = gate_->Check(request.head)) {
    co_return co_await ReplyError(request, refusal->error, refusal->status, refusal->code);
  }
  if (overloaded_) {
    co_return co_await ReplyError(
        request,
        Error{.code = ErrorCode::kUnavailable,
              .message = "the limit of " + std::to_string(shared_.options.max_connections) +
                         " connections is reached; try again",
              .param = {},
              .detail = {}},
        503, "too_many_connections");
  }
  if (method == "OPTIONS") {
    HttpHead head{.status = 204, .headers = {{"allow", "GET, HEAD, POST, DELETE, OPTIONS"}}};
    co_return co_await Reply(request, std::move(head), {});
  }
  if ((method == "GET" || method == "HEAD") &&
      (request.target.path == "/health" || request.target.path == "/ready")) {
    co_return co_await ReplyHealth(request);
  }
  if (gate_->Pages() != nullptr) {
    if (const std::optional<bool> answered = co_await ReplyPage(request)) {
      co_return *answered;
    }
  }
  const Result<Caller> caller = gate_->Admit(request.head);
  if (!caller) {
    const bool unknown = caller.error().code == ErrorCode::kUnauthenticated;
    shared_.counters.unauthenticated += unknown ? 1 : 0;
    const std::string_view code = unknown ? "invalid_api_key" : gate_->NotReadyCode();
    co_return co_await ReplyError(request, caller.error(), 0, code);
  }
  if (method != "GET" && method != "HEAD" && method != "POST" && method != "DELETE") {
    co_return co_await ReplyError(
        request,
        Error{.code = ErrorCode::kInvalidArgument,
              .message = "this method is not served; expected GET, POST or DELETE",
              .param = {},
              .detail = {}},
        405, "method_not_allowed");
  }
  if (shared_.requests_in_flight >= shared_.options.max_requests) {
    co_return co_await ReplyError(
        request,
        Error{.code = ErrorCode::kUnavailable,
              .message = "the limit of " + std::to_string(shared_.options.max_requests) +
                         " requests at the same time is reached; try again",
              .param = {},
              .detail = {}},
        503, "too_many_requests_in_flight");
  }
  if (const std::string* expect = request.head.Find("expect"); expect != nullptr) {
    if (!IsToken(*expect, "100-continue")) {
      co_return co_await ReplyError(request,
                                    Error{.code = ErrorCode::kInvalidArgument,
                                          .message = "expected 'Expect: 100-continue' or no Expect",
                                          .param = {},
                                          .detail = {}},
                                    417);
    }
    if (!parser.done() && request.head.http11 && input_size_ == 0 &&
        !co_await Write(PlaintextView::Of("HTTP/1.1 100 Continue\r\n\r\n"))) {
      co_return false;
    }
  }
  request.keep_alive = keep_alive;
  request.unread_body = false;
  ++shared_.requests_in_flight;
  CountInFlight(1);
  caller_ = *caller;
  const bool go_on = co_await Forward(parser, request, *caller);
  caller_.reset();
  --shared_.requests_in_flight;
  CountInFlight(-1);
  co_return go_on;
}

}  // namespace casemate::net
