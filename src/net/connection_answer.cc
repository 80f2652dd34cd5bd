// The half of Connection that asks the backend and passes its answer on.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <utility>

#include "base/log.h"
#include "net/connection_internal.h"
#include "net/error_envelope.h"
#include "net/http_metrics_internal.h"

namespace casemate::net {
namespace {

// One piece as it goes out: framed and flat, so that no library copies it into memory of its own.
Plaintext FrameChunk(PlaintextView piece) {
  std::array<char, 24> size{};
  const int digits = std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
  Plaintext framed;
  framed.Reserve(piece.size() + static_cast<std::size_t>(digits) + 2);
  framed.AppendLiteral(std::string_view(size.data(), static_cast<std::size_t>(digits)));
  framed.Append(piece);
  framed.AppendLiteral("\r\n");
  return framed;
}

// Counts an answer when it is over, however: also when the client has all of it and leaves before
// its end was read.
struct Counted {
  Counted(std::string_view route_template, std::chrono::steady_clock::time_point since)
      : route(route_template), begun(since) {}
  ~Counted() {
    if (status != 0) {
      CountRequest(route, status, std::chrono::steady_clock::now() - begun);
    }
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  std::string_view route;
  std::chrono::steady_clock::time_point begun;
  std::uint16_t status = 0;  // 0: no answer has begun, or somebody else counts it
};

// What has been sent of one answer, and what is allowed next.
class AnswerWriter {
 public:
  AnswerWriter(bool head_request, bool http11, bool keep_alive, std::string_view request_id,
               const std::vector<Header>& own_fields)
      : head_request_(head_request),
        http11_(http11),
        keep_alive_(keep_alive),
        request_id_(request_id),
        own_fields_(own_fields) {}

  bool has_head() const { return has_head_; }
  bool keep_alive() const { return keep_alive_; }

  // What to write for a part; empty: nothing now. Errors: kIntegrityFailure: out of order, or not
  // as long as announced.
  [[nodiscard]] Result<Plaintext> Add(const HttpHead& head) {
    if (has_head_ || head.status < 200 || head.status > 599) {
      return OutOfOrder();
    }
    has_head_ = true;
    bodiless_ = head_request_ || head.status == 204 || head.status == 304;
    length_ = head.length;
    framing_ = head.has_length || head.status == 204 || head.status == 304 ? BodyFraming::kLength
               : http11_                                                   ? BodyFraming::kChunked
                                                                           : BodyFraming::kUntilEnd;
    keep_alive_ = keep_alive_ && framing_ != BodyFraming::kUntilEnd;
    // A backend that asked another server passes that server's id on: one id in both logs.
    const auto own_id = std::ranges::find(head.headers, "x-request-id", &Header::name);
    Plaintext text = Plaintext::Copy(BuildResponseHead(
        {.head = head,
         .framing = framing_,
         .keep_alive = keep_alive_,
         .request_id = own_id != head.headers.end() ? std::string_view(own_id->value) : request_id_,
         .own_fields = own_fields_}));
    if (framing_ == BodyFraming::kLength) {
      held_ = std::move(text);  // goes with the first piece: one write, one record
      return Plaintext();
    }
    return text;
  }
  [[nodiscard]] Result<Plaintext> Add(const HttpBody& body) {
    sent_ += body.bytes.size();
    if (!has_head_ || (framing_ == BodyFraming::kLength && !bodiless_ && sent_ > length_)) {
      return OutOfOrder();
    }
    if (bodiless_ || body.bytes.empty()) {  // an empty chunk would end the body
      return Plaintext();
    }
    if (framing_ == BodyFraming::kChunked) {
      return FrameChunk(body.bytes);
    }
    Plaintext text = std::exchange(held_, Plaintext());
    text.Append(body.bytes);
    return text;
  }
  [[nodiscard]] Result<Plaintext> Add(const HttpEnd&) {
    if (!has_head_ || (framing_ == BodyFraming::kLength && !bodiless_ && sent_ != length_)) {
      return OutOfOrder();
    }
    if (framing_ == BodyFraming::kChunked && !bodiless_) {
      return Plaintext::Copy("0\r\n\r\n");
    }
    return std::exchange(held_, Plaintext());
  }

 private:
  static std::unexpected<Error> OutOfOrder() {
    return Fail(ErrorCode::kIntegrityFailure, "the keeper's answer is out of order");
  }

  bool head_request_;
  bool http11_;
  bool keep_alive_;
  std::string_view request_id_;
  const std::vector<Header>& own_fields_;
  bool has_head_ = false;
  bool bodiless_ = false;
  BodyFraming framing_ = BodyFraming::kLength;
  std::uint64_t length_ = 0;
  std::uint64_t sent_ = 0;
  Plaintext held_;
};

}  // namespace

template <typename T>
Connection::Awaitable<T> Connection::OnPool(std::function<T()> work) {
  struct Outcome {
    explicit Outcome(const boost::asio::any_io_executor& executor) : came(executor) {}
    std::optional<T> value;
    Signal came;
  };
  auto outcome = std::make_shared<Outcome>(executor_);
  shared_.pool->Add([outcome, work = std::move(work), executor = executor_]() mutable {
    T value = work();
    boost::asio::post(executor, [outcome = std::move(outcome), value = std::move(value)]() mutable {
      outcome->value = std::move(value);
      outcome->came.Notify();
    });
  });
  while (!outcome->value) {
    co_await outcome->came.Wait();
  }
  co_return std::move(*outcome->value);
}

Connection::Awaitable<std::optional<bool>> Connection::ReplyPage(const Request& request) {
  using Page = std::optional<Result<OperatorPage>>;
  const std::string* accept = request.head.Find("accept");
  const Page page = co_await OnPool<Page>(
      [&pages = *gate_->Pages(), method = request.head.method, path = request.target.path,
       accept = accept == nullptr ? std::string() : *accept]() -> Page {
        return pages(method, path, accept);
      });
  if (!page) {
    co_return std::nullopt;
  }
  if (!*page) {
    co_return co_await ReplyError(request, page->error());
  }
  HttpHead head{.status = 200, .headers = {{"content-type", (*page)->content_type}}};
  co_return co_await Reply(request, std::move(head), Plaintext::Copy((*page)->body));
}

Connection::Awaitable<bool> Connection::Forward(HttpParser& parser, Request& request,
                                                const Caller& caller) {
  const auto message = std::make_shared<HttpRequest>();
  const Result<void> read = co_await ReadBody(parser, message->body);
  if (!read) {
    request.keep_alive = false;
    request.unread_body = true;
    const ErrorCode code = read.error().code;
    if (code == ErrorCode::kCancelled || closed_) {
      co_return false;
    }
    co_return co_await ReplyError(request, read.error(),
                                  code == ErrorCode::kTooLarge           ? 413
                                  : code == ErrorCode::kDeadlineExceeded ? 408
                                                                         : 400);
  }
  message->method = request.head.method == "HEAD" ? "GET" : request.head.method;
  message->path = request.target.path;
  message->query = request.target.query;
  message->headers = FilterHeaders(request.head.headers);
  message->principal = caller.principal;
  message->key = caller.key;
  message->ceiling = caller.ceiling;
  message->from_operator = caller.from_operator;
  message->tls_group = tls_group_;
  message->tls_classical_allowed = tls_classical_;

  using Opened = Result<std::shared_ptr<Answer>>;
  Opened opened = co_await OnPool<Opened>(
      [backend = shared_.backend, tenant = caller.tenant, message]() -> Opened {
        Opened answer = backend->Open(tenant, *message);
        message->body.Clear();  // it is the keeper's now
        return answer;
      });
  if (!opened) {
    if (closed_) {
      co_return false;
    }
    LogError("request not answered", opened.error(), {{"request", request.id}});
    co_return co_await ReplyError(request, opened.error());
  }
  answer_ = std::move(*opened);
  const bool go_on = !closed_ && !input_ended_ && co_await Relay(request, answer_);
  if (!go_on) {
    answer_->Cancel();
  }
  // It may wait for a dead keeper's threads: not here.
  shared_.pool->Add([answer = std::move(answer_)] {});
  answer_ = nullptr;
  co_return go_on;
}

Connection::Awaitable<bool> Connection::Relay(Request& request,
                                              const std::shared_ptr<Answer>& answer) {
  AnswerWriter writer(request.head.method == "HEAD", request.head.http11, request.keep_alive,
                      request.id, request.answer_fields);
  bool written = false;
  bool body_began = false;
  Counted counted(request.route, request.begun);
  while (true) {
    // The next part is asked for when the one before is with the client: a slow client slows the
    // keeper, by the credit of its stream.
    const Result<AnswerPart> part =
        co_await OnPool<Result<AnswerPart>>([answer] { return answer->Next(); });
    if (closed_ || input_ended_) {
      co_return false;
    }
    Result<Plaintext> bytes =
        part ? std::visit([&](const auto& value) { return writer.Add(value); }, *part)
             : Result<Plaintext>(std::unexpected(part.error()));
    if (!bytes) {
      LogError("answer failed", bytes.error(), {{"request", request.id}});
      if (written) {
        counted.status = 500;
        co_return false;  // the client sees a cut-off body
      }
      counted.status = 0;
      co_return co_await ReplyError(request, bytes.error());
    }
    if (const auto* head = std::get_if<HttpHead>(&*part)) {
      counted.status = head->status;
    }
    if (std::holds_alternative<HttpBody>(*part) && !body_began) {
      body_began = true;
      CountFirstByte(request.route, Clock::now() - request.begun);
    }
    if (!bytes->empty()) {
      written = true;
      if (!co_await Write(*bytes)) {
        co_return false;
      }
    }
    if (std::holds_alternative<HttpEnd>(*part)) {
      co_return writer.keep_alive();
    }
  }
}

}  // namespace casemate::net
