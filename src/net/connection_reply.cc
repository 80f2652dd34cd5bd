// The part of Connection that answers by itself: health, refusals.
#include <utility>

#include "base/log.h"
#include "net/connection_internal.h"
#include "net/error_envelope.h"
#include "net/http_metrics_internal.h"

namespace casemate::net {
namespace {

// What a refused client may still send before the connection goes without ceremony.
constexpr std::size_t kMaxDrainBytes = std::size_t{256} * 1024 * 1024;
constexpr std::chrono::seconds kDrainTime(5);

}  // namespace

Connection::Awaitable<bool> Connection::Write(PlaintextView bytes) {
  StartGuard(shared_.options.stall_timeout);
  const Result<void> written = co_await stream_->Write(bytes);
  StopGuard();
  co_return written.has_value() && !closed_;
}

Connection::Awaitable<bool> Connection::ReplyHealth(const Request& request) {
  if (request.target.path == "/ready") {
    if (shared_.draining) {
      co_return co_await ReplyError(
          request, Error{ErrorCode::kUnavailable, "the server is ending", {}, {}}, 0, "ending");
    }
    if (const Result<void> ready = gate_->Ready(); !ready) {
      co_return co_await ReplyError(request, ready.error(), 0, gate_->NotReadyCode());
    }
  }
  HttpHead head{.status = 200, .headers = {{"content-type", "application/json"}}};
  co_return co_await Reply(request, std::move(head), Plaintext::Copy("{\"status\":\"ok\"}"));
}

Connection::Awaitable<bool> Connection::ReplyError(const Request& request, const Error& error,
                                                   std::uint16_t status, std::string_view code) {
  HttpHead head{.status = status != 0 ? status : HttpStatus(error.code),
                .headers = {{"content-type", "application/json"}}};
  if (head.status == 503 || head.status == 429) {
    head.headers.push_back({"retry-after", "1"});
  }
  if (head.status == 401) {
    head.headers.push_back({"www-authenticate", "Bearer"});
  }
  if (head.status == 405) {
    head.headers.push_back({"allow", "GET, HEAD, POST, DELETE, OPTIONS"});
  }
  Log(LogLevel::kInfo, "request refused",
      {{"request", request.id},
       {"route", request.route},
       {"status", head.status},
       {"code", code.empty() ? ErrorCodeName(error.code) : code}});
  CountRefusal(head.status, code);
  co_return co_await Reply(request, std::move(head),
                           code.empty() ? ErrorEnvelope(error) : ErrorEnvelope(error, code));
}

Connection::Awaitable<bool> Connection::Reply(const Request& request, HttpHead head,
                                              Plaintext body) {
  CountRequest(request.route, head.status, Clock::now() - request.begun);
  head.length = body.size();
  Plaintext flat = Plaintext::Copy(BuildResponseHead({.head = head,
                                                      .framing = BodyFraming::kLength,
                                                      .keep_alive = request.keep_alive,
                                                      .request_id = request.id,
                                                      .own_fields = request.answer_fields}));
  if (request.head.method != "HEAD") {
    flat.Append(body);
  }
  if (!co_await Write(flat)) {
    co_return false;
  }
  if (request.unread_body) {
    co_await Drain();
  }
  co_return request.keep_alive;
}

Connection::Awaitable<void> Connection::Drain() {
  // Closing while the client still sends would reset the connection, and the reset could overtake
  // the answer. (A close_notify would end reading as well; the answer has a length and misses
  // nothing without one.)
  stream_->EndOutput();
  const Clock::time_point until = Clock::now() + kDrainTime;
  std::size_t drained = 0;
  do {
    drained += input_size_;
    Consume(input_size_);
  } while (drained < kMaxDrainBytes && co_await WaitForInput(until));
}

}  // namespace casemate::net
