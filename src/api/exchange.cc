#include "api/exchange.h"

#include <algorithm>
#include <array>

#include "api/errors.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "json/writer.h"
#include "net/error_envelope.h"

namespace casemate::api {
namespace {

// A room's queue moves on within the time of an answer.
constexpr const char* kRetryAfterSeconds = "1";
constexpr std::string_view kDone = "[DONE]";

}  // namespace

Exchange::Exchange(const net::HttpRequest& request, Responder& responder, const Services& services)
    : request_(request),
      responder_(responder),
      rooms_(services.rooms),
      services_{.library = services.library,
                .rooms = rooms_,
                .releases = services.releases,
                .models = services.models,
                .receipts = services.receipts,
                .labels = services.labels,
                .default_label = services.default_label} {
  if (!request_.body.empty()) {
    label_ = policy::Lowest(services_.default_label, request_.ceiling);
  }
}

Result<void> Exchange::ReadDeclaredLabel() { return Declare(header("x-casemate-label")); }

Result<void> Exchange::Declare(std::string_view word) {
  if (word.empty()) {
    return {};
  }
  Result<policy::Label> label = services_.labels.Parse(word);
  if (!label) {
    return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                                 .message = label.error().message,
                                 .param = "label",
                                 .detail = {}});
  }
  if (*label > request_.ceiling) {
    return std::unexpected(Error{
        .code = ErrorCode::kPermissionDenied,
        .message = "The label '" + LabelName(*label) + "' is above this key's ceiling, '" +
                   LabelName(request_.ceiling) +
                   "'. Declare a lower one, or use a key with a higher ceiling ('casemate key "
                   "create --ceiling " +
                   LabelName(*label) + "').",
        .param = "label",
        .detail = {}});
  }
  label_ = *label;
  return {};
}

std::string_view Exchange::header(std::string_view name) const {
  for (const net::Header& header : request_.headers) {
    if (header.name == name) {
      return header.value;
    }
  }
  return {};
}

Result<json::Document> Exchange::ParseBody() const {
  if (request_.body.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "The request has no body; expected a JSON object.");
  }
  Result<json::Document> document = json::Document::Parse(request_.body);
  if (!document) {
    return std::unexpected(document.error());
  }
  if (document->root().kind() != json::Value::Kind::kObject) {
    return Fail(ErrorCode::kInvalidArgument, "The body is JSON but not an object.");
  }
  return document;
}

Result<custody::Ticket> Exchange::NewTicket(const Scope& scope) {
  audit::ReceiptSalt salt{};
  crypto::FillRandom(salt);

  custody::TicketRequest ask;
  ask.principal = request_.principal;
  ask.key = request_.key;
  ask.justification = policy::Justification::kCustomerInitiatedAccess;
  ask.level = policy::ReleaseLevel::kAsserted;
  ask.actions = scope.actions;
  ask.label = request_.ceiling;
  ask.collections = scope.collections;
  ask.all_collections = scope.all_collections;
  ask.max_objects = scope.max_objects;
  ask.max_partitions = scope.max_partitions;
  ask.duration_ms = static_cast<std::uint32_t>(scope.duration.count());
  ask.request_digest = audit::RequestDigest(salt, request_.body.view().RevealBytes());

  Result<custody::Ticket> ticket = services_.releases.Request(ask);
  if (!ticket) {
    return ticket;
  }
  AddHeader("x-casemate-log-index", std::to_string(ticket->log_index()));
  if (!scope.receipt || services_.receipts == nullptr || window_) {
    AddHeader("x-casemate-request-salt", ToHex(salt));
    return ticket;
  }
  window_.emplace(*services_.receipts, request_, salt, ask.request_digest, ticket->id(), opened_ms_,
                  opened_);
  ticket->LeaveOpen();
  AddHeader("x-casemate-receipt", window_->receipt().ToString());
  AddHeader("x-casemate-receipt-salt", ToHex(salt));
  return ticket;
}

void Exchange::Ignore(const std::vector<std::string>& fields) {
  for (const std::string& field : fields) {
    if (std::find(ignored_.begin(), ignored_.end(), field) == ignored_.end()) {
      ignored_.push_back(field);
    }
  }
}

void Exchange::AddHeader(std::string name, std::string value) {
  headers_.push_back({std::move(name), std::move(value)});
}

Result<void> Exchange::SendHead(std::uint16_t status, std::string_view type, bool has_length,
                                std::uint64_t length) {
  net::HttpHead head;
  head.status = status;
  head.has_length = has_length;
  head.length = length;
  head.headers.push_back({"content-type", std::string(type)});
  std::string ignored;
  for (const std::string& field : ignored_) {
    ignored += (ignored.empty() ? "" : ", ") + field;
  }
  if (!ignored.empty()) {
    head.headers.push_back({"x-casemate-ignored", ignored});
  }
  if (status < 400) {
    head.headers.push_back({"x-casemate-label", LabelName(label_)});
  }
  head.headers.insert(head.headers.end(), headers_.begin(), headers_.end());
  started_ = true;
  if (window_) {
    window_->Head(status, events_);
  }
  Result<void> sent = responder_.Head(head);
  if (!sent && window_) {
    window_->Cut();
  }
  return sent;
}

Result<void> Exchange::SendPieces(PlaintextView bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += net::kMaxBodyPiece) {
    const PlaintextView piece = bytes.Part(at, net::kMaxBodyPiece);
    Result<void> sent = responder_.Body(Plaintext::Copy(piece));
    if (!sent) {
      if (window_) {
        window_->Cut();
      }
      return sent;
    }
    if (window_) {
      window_->Sent(piece);
    }
  }
  return {};
}

Result<void> Exchange::SendJson(Plaintext body, std::uint16_t status) {
  if (Result<void> sent = SendHead(status, "application/json", true, body.size()); !sent) {
    return sent;
  }
  return SendPieces(body);
}

Result<void> Exchange::SendContent(PlaintextView content, std::string_view type) {
  if (Result<void> sent = SendHead(200, type, true, content.size()); !sent) {
    return sent;
  }
  return SendPieces(content);
}

Result<void> Exchange::StartEvents() {
  AddHeader("cache-control", "no-cache");
  events_ = true;
  return SendHead(200, "text/event-stream; charset=utf-8", false, 0);
}

Plaintext Exchange::EventText(std::string_view name, PlaintextView data) {
  Plaintext event;
  event.Reserve(name.size() + data.size() + 24);
  if (!name.empty()) {
    event.AppendLiteral("event: ");
    event.AppendLiteral(name);
    event.AppendLiteral("\n");
  }
  // JSON has no raw line breaks, so one data line holds it.
  event.AppendLiteral("data: ");
  event.Append(data);
  event.AppendLiteral("\n\n");
  return event;
}

Result<void> Exchange::SendEvent(std::string_view name, PlaintextView data) {
  done_event_ = done_event_ || (name.empty() && data.Reveal() == kDone);
  return SendPieces(EventText(name, data));
}

// The last event of a stream; not among the bytes that the receipt is of. Who misses it knows that
// the stream was cut. OpenAI's clients stop at "[DONE]", so that it never reaches their callers.
void Exchange::SendReceiptEvent() {
  if (!done_event_) {
    (void)SendEvent({}, PlaintextView::Of(kDone));
  }
  json::Writer writer;
  writer.BeginObject().Key("type").String("casemate.receipt");
  writer.Key("id").String(window_->receipt().ToString()).EndObject();
  (void)responder_.Body(EventText("casemate.receipt", writer.Take()));
}

void Exchange::End() {
  if (window_) {
    window_->Used(rooms_.use(), services_.models());
    if (responder_.cancelled()) {
      window_->Cut();
    } else if (events_) {
      SendReceiptEvent();
    }
  }
  responder_.End();
}

void Exchange::SendError(const Error& error) {
  // What the client did wrong names its own fields, which may be anything: the log gets the code.
  if (net::HttpStatus(error.code) < 500) {
    Log(LogLevel::kInfo, "request refused",
        {{"path", RouteName(request_.path)}, {"code", error.code}, {"detail", error.detail}});
  } else {
    LogError("request failed", error, {{"path", RouteName(request_.path)}});
  }
  if (error.code == ErrorCode::kRateLimited) {
    AddHeader("retry-after", kRetryAfterSeconds);
  }
  Plaintext body = net::ErrorEnvelope(error, OpenAiCode(error));
  // Whoever cannot be told is gone; the log line above is what is left to do.
  if (started_) {
    if (window_) {
      window_->Cut();
    }
    done_event_ = true;
    (void)SendEvent("error", body);
  } else {
    (void)SendJson(std::move(body), net::HttpStatus(error.code));
  }
}

}  // namespace casemate::api
