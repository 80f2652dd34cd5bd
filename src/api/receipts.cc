#include "api/endpoints.h"
#include "api/errors.h"
#include "json/writer.h"

namespace casemate::api {
namespace {

constexpr std::string_view kRetryAfter = "1";  // seconds

Plaintext ReceiptJson(std::string_view id, const std::string* text) {
  json::Writer writer;
  writer.BeginObject().Key("id").String(id).Key("object").String("receipt");
  writer.Key("status").String(text == nullptr ? "pending" : "complete");
  writer.Key("receipt");
  if (text == nullptr) {
    writer.Null();
  } else {
    writer.String(*text);
  }
  writer.EndObject();
  return writer.Take();
}

}  // namespace

// No ticket: a receipt names no content, and nothing of the key tree is opened for it.
Result<void> GetReceipt(Exchange& exchange, const Ids& ids) {
  audit::ReceiptBook* book = exchange.services().receipts;
  const Result<audit::ReceiptId> id = audit::ReceiptId::Parse(ids[0]);
  if (!id || book == nullptr) {
    return Fail(ErrorCode::kNotFound,
                "There is no such receipt; expected an id as in the header "
                "x-casemate-receipt: rcpt_ and 26 characters.");
  }
  const net::HttpRequest& request = exchange.request();
  Result<audit::ReceiptState> state = book->Find(*id, request.principal, request.from_operator);
  if (!state) {
    return std::unexpected(state.error());
  }
  const std::string* text = std::get_if<std::string>(&*state);
  if (text == nullptr) {
    exchange.AddHeader("retry-after", std::string(kRetryAfter));
    return exchange.SendJson(ReceiptJson(ids[0], nullptr), 202);
  }
  if (exchange.header("accept").find("application/json") != std::string_view::npos) {
    return exchange.SendJson(ReceiptJson(ids[0], text));
  }
  return exchange.SendContent(PlaintextView::Of(*text), "text/plain; charset=utf-8");
}

}  // namespace casemate::api
