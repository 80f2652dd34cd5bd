#include "net/gateway_backend.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "net/error_envelope.h"
#include "net/http_parser.h"

namespace casemate::net {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;
constexpr HttpLimits kLimits{.max_header_bytes = std::size_t{64} * 1024,
                             .max_body_bytes = std::uint64_t{4} << 30};

bool IsUnreserved(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("-._~!$&'()*+,;=:@/").find(static_cast<char>(c)) !=
             std::string_view::npos;
}

// How a failure on the way to the gateway looks to the client.
struct Shown {
  std::uint16_t status;
  std::string_view code;
  std::string remedy;
};
Shown ShowFailure(ErrorCode code, const std::string& gateway) {
  switch (code) {
    case ErrorCode::kIntegrityFailure:
      return {502, "gateway_not_trusted",
              "connect trusts one CA only (--ca), and the name in --server must be in the "
              "certificate"};
    case ErrorCode::kPermissionDenied:
      return {502, "gateway_not_hybrid",
              "what is sent over it could be recorded now and read later; nothing was sent"};
    case ErrorCode::kInvalidArgument:
      return {502, "gateway_protocol_error", "is " + gateway + " a Casemate server's TLS port?"};
    case ErrorCode::kDeadlineExceeded:
      return {504, "gateway_timeout", "try again"};
    default:
      return {503, "gateway_unreachable", "is 'casemate serve' running there? try again"};
  }
}

class GatewayAnswer final : public Answer {
 public:
  GatewayAnswer(std::shared_ptr<Gateway> gateway, Interrupt interrupt, Plaintext wire,
                bool repeatable)
      : gateway_(std::move(gateway)),
        interrupt_(std::move(interrupt)),
        wire_(std::move(wire)),
        repeatable_(repeatable) {}

  Result<AnswerPart> Next() override {
    if (!begun_) {
      begun_ = true;
      const Result<void> asked = AskAndReadHead();
      if (!asked && asked.error().code == ErrorCode::kCancelled) {
        return std::unexpected(asked.error());
      }
      if (!asked) {
        QueueFailure(asked.error());
      } else {
        QueueHead();
      }
    }
    if (!queue_.empty()) {
      AnswerPart part = std::move(queue_.front());
      queue_.pop_front();
      return part;
    }
    if (connection_ == nullptr) {
      return Fail(ErrorCode::kInvalidArgument, "the answer has ended");
    }
    return NextOfBody();
  }
  void Cancel() override { interrupt_.Raise(); }

 private:
  Result<void> AskAndReadHead() {
    bool fresh = false;
    while (true) {
      Result<Gateway::Taken> taken = gateway_->Take(interrupt_, fresh);
      if (!taken) {
        return std::unexpected(taken.error());
      }
      connection_ = std::move(taken->connection);
      buffer_ = Plaintext::Zeroed(kBufferBytes);
      filled_ = 0;
      parser_.emplace(HttpParser::Kind::kResponse, kLimits);
      // An error may be an early refusal's: its answer, if there is one, says more.
      const Result<void> written = connection_->Write(wire_, interrupt_);
      const Result<void> read = ReadHead();
      if (read) {
        wire_.Clear();
        return {};
      }
      // A connection kept from before may have been closed meanwhile (the gateway was restarted).
      // Only a request that may be done twice is repeated by itself (RFC 9110, section 9.2.2).
      const bool nothing_came = filled_ == 0 && !parser_->started();
      if (fresh || !taken->used_before || !repeatable_ || !nothing_came ||
          read.error().code != ErrorCode::kUnavailable) {
        return written ? read : written;
      }
      fresh = true;
    }
  }

  Result<void> ReadHead() {
    while (!parser_->head_done()) {
      if (Result<void> more = ReadMore(); !more) {
        return more;
      }
      if (parser_->done() && parser_->head().status / 100 == 1) {
        parser_.emplace(HttpParser::Kind::kResponse, kLimits);  // 100 Continue
      }
    }
    return {};
  }

  // Gives the parser what there is and, when it takes nothing, reads.
  Result<void> ReadMore() {
    const Result<std::size_t> taken = parser_->Feed(buffer_.view().Part(0, filled_));
    if (!taken) {
      return std::unexpected(taken.error());
    }
    if (*taken > 0) {
      const auto all = buffer_.mutable_bytes().first(filled_);
      std::ranges::copy(all.subspan(*taken), all.begin());
      Wipe(all.last(*taken));
      filled_ -= *taken;
      return {};
    }
    if (filled_ == buffer_.size()) {
      return Fail(ErrorCode::kInvalidArgument, "its answer's header is over the limit");
    }
    const Result<std::size_t> count =
        connection_->Read(buffer_.mutable_bytes().subspan(filled_), interrupt_);
    if (!count) {
      return std::unexpected(count.error());
    }
    if (*count == 0) {
      if (Result<void> ended = parser_->End(); !ended) {
        return Fail(ErrorCode::kUnavailable, "it closed the connection before its answer's end");
      }
    }
    filled_ += *count;
    return {};
  }

  void QueueHead() {
    MessageHead& head = parser_->head();
    if (head.status == 401) {
      const Error refused{
          .code = ErrorCode::kUnauthenticated,
          .message = "the gateway " + gateway_->authority() +
                     " refused the API key that casemate connect was started with (revoked, or of "
                     "another deployment); 'casemate key create' makes one"};
      QueueError(401, "gateway_key_refused", refused);
      return;
    }
    // What is verified is said here, by connect, and by nobody else.
    std::erase_if(head.headers, [](const Header& header) {
      return header.name == "x-casemate-verified" || header.name == "alt-svc";
    });
    const std::optional<std::uint64_t> length = parser_->content_length();
    queue_.emplace_back(HttpHead{.status = head.status,
                                 .headers = std::move(head.headers),
                                 .has_length = length.has_value(),
                                 .length = length.value_or(0)});
  }

  void QueueFailure(const Error& error) {
    const Shown shown = ShowFailure(error.code, gateway_->authority());
    QueueError(shown.status, shown.code,
               {.code = ErrorCode::kUnavailable,
                .message = "the gateway " + gateway_->authority() + ": " + error.message + "; " +
                           shown.remedy});
  }

  void QueueError(std::uint16_t status, std::string_view code, const Error& error) {
    connection_.reset();
    Plaintext body = ErrorEnvelope(error, code);
    HttpHead head{.status = status,
                  .headers = {{"content-type", "application/json"}},
                  .has_length = true,
                  .length = body.size()};
    if (status == 503) {
      head.headers.push_back({"retry-after", "1"});
    }
    queue_.emplace_back(std::move(head));
    queue_.emplace_back(HttpBody{.bytes = std::move(body)});
    queue_.emplace_back(HttpEnd{});
  }

  Result<AnswerPart> NextOfBody() {
    while (true) {
      if (Plaintext piece = parser_->TakeBody(); !piece.empty()) {
        return HttpBody{.bytes = std::move(piece)};
      }
      if (parser_->done()) {
        if (parser_->keep_alive() && filled_ == 0) {
          gateway_->Give(std::move(connection_));
        }
        connection_.reset();
        buffer_.Clear();
        return HttpEnd{};
      }
      if (Result<void> more = ReadMore(); !more) {
        connection_.reset();
        return Wrap(more.error(), "the gateway " + gateway_->authority());
      }
    }
  }

  std::shared_ptr<Gateway> gateway_;
  Interrupt interrupt_;
  Plaintext wire_;   // the whole request, until its answer has begun
  bool repeatable_;  // doing it twice does what doing it once does
  bool begun_ = false;
  std::unique_ptr<GatewayConnection> connection_;
  std::optional<HttpParser> parser_;
  Plaintext buffer_;  // the first filled_ bytes came and were not taken yet
  std::size_t filled_ = 0;
  std::deque<AnswerPart> queue_;
};

}  // namespace

Result<std::string> EncodeTarget(std::string_view path, std::string_view query) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  if (!path.starts_with('/') ||
      std::ranges::any_of(query, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; })) {
    return Fail(ErrorCode::kInvalidArgument, "the request's target cannot be passed on");
  }
  std::string target;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsUnreserved(byte)) {
      target += c;
    } else {
      target += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  if (!query.empty()) {
    target += '?';
    target += query;
  }
  return target;
}

GatewayBackend::GatewayBackend(std::shared_ptr<Gateway> gateway, SecretBuffer api_key)
    : gateway_(std::move(gateway)), api_key_(std::move(api_key)) {}

Result<std::unique_ptr<Answer>> GatewayBackend::Open(const TenantId& /*tenant*/,
                                                     const HttpRequest& request) {
  Result<std::string> target = EncodeTarget(request.path, request.query);
  if (!target) {
    return std::unexpected(target.error());
  }
  Result<Interrupt> interrupt = Interrupt::Make();
  if (!interrupt) {
    return std::unexpected(interrupt.error());
  }
  std::string fields;
  for (const Header& header : request.headers) {
    fields += header.name + ": " + header.value + "\r\n";
  }
  if (request.method == "POST" || !request.body.empty()) {
    fields += "content-length: " + std::to_string(request.body.size()) + "\r\n";
  }
  Plaintext wire;
  wire.Reserve(request.method.size() + target->size() + fields.size() + api_key_.size() +
               request.body.size() + 256);
  wire.AppendLiteral(request.method + " " + *target + " HTTP/1.1\r\nhost: " +
                     gateway_->authority() + "\r\n" + fields + "authorization: Bearer ");
  wire.Append(PlaintextView::Of(api_key_.RevealBytes()));
  wire.AppendLiteral("\r\n\r\n");
  wire.Append(request.body);
  return std::make_unique<GatewayAnswer>(gateway_, std::move(*interrupt), std::move(wire),
                                         request.method != "POST");
}

}  // namespace casemate::net
