#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/metered_rooms.h"
#include "api/responder.h"
#include "api/window.h"
#include "audit/receipt/receipt_book.h"
#include "base/error.h"
#include "base/id.h"
#include "custody/client/release_client.h"
#include "inference/client/room_client.h"
#include "json/reader.h"
#include "net/messages.h"
#include "policy/label.h"
#include "policy/release.h"
#include "retrieval/library.h"

namespace casemate::api {

// What the endpoints work with; one set per keeper, outliving every Exchange.
struct Services {
  retrieval::Library& library;
  inference::RoomDirectory& rooms;
  custody::ReleaseClient& releases;
  // The tenant's models as the custodian last told them. Threads: any.
  std::function<std::vector<custody::ModelEntry>()> models;
  audit::ReceiptBook* receipts = nullptr;  // none: answers have no receipts
  // The deployment's labels; they do not change while it runs.
  policy::LabelOrder labels = {};
  policy::Label default_label = policy::Label::kInternal;
};

// What one request may do, as its ticket will say. The label is the caller's ceiling.
struct Scope {
  policy::ActionSet actions = 0;
  std::vector<CollectionId> collections = {};
  bool all_collections = false;
  std::uint32_t max_objects = 0;
  std::uint32_t max_partitions = 0;  // 0: not counted
  std::chrono::milliseconds duration = std::chrono::seconds(60);
  // The answer comes from a model or from released documents: it gets a receipt.
  bool receipt = false;
};

// One request and its answer. Handlers read the request, ask for a ticket and answer in one of the
// forms below; an error that they return before anything was sent becomes OpenAI's envelope.
// Threads: one at a time.
class Exchange {
 public:
  Exchange(const net::HttpRequest& request, Responder& responder, const Services& services);

  const net::HttpRequest& request() const { return request_; }
  // Its rooms count what this request uses of them.
  const Services& services() const { return services_; }
  bool cancelled() const { return responder_.cancelled(); }
  // Stands for the caller in a room's queue (inference::Generate::share).
  std::uint64_t share() const { return std::hash<PrincipalId>()(request_.principal); }
  // Empty when the request has none. `name` in lower case.
  std::string_view header(std::string_view name) const;

  // The label that the header `x-casemate-label` declares the request to have. Errors:
  // kInvalidArgument: no such label; kPermissionDenied: above the caller's ceiling.
  [[nodiscard]] Result<void> ReadDeclaredLabel();
  // The same for a word of the body. An empty one declares nothing.
  [[nodiscard]] Result<void> Declare(std::string_view word);
  // What the answer was made from; its label is the highest of all. Until the answer has started.
  void Touch(policy::Label label) { label_ = policy::Highest(label_, label); }
  // Of the answer so far: the highest of what was declared (where nothing was, a body has the
  // deployment's default) and of everything touched. `x-casemate-label` says it.
  policy::Label label() const { return label_; }
  const std::string& LabelName(policy::Label label) const { return services_.labels.Name(label); }

  // Errors: kInvalidArgument: the body is not JSON (message says where) or not an object.
  [[nodiscard]] Result<json::Document> ParseBody() const;

  // Asks for the request's ticket, bound to a salted digest of the body; the salt and the entry's
  // place in the log go back to the caller in `x-casemate-request-salt` and `x-casemate-log-index`.
  // With `scope.receipt` the answer gets a receipt (audit/verify/receipt.h): its id and the salt
  // are in `x-casemate-receipt` and `x-casemate-receipt-salt` instead, and a stream ends with an
  // event. The ticket is closed by the receipt then, once the exchange is over.
  // Errors: as ReleaseClient::Request.
  [[nodiscard]] Result<custody::Ticket> NewTicket(const Scope& scope);

  // Headers of the answer: until it has started.
  void Ignore(const std::vector<std::string>& fields);  // named in `x-casemate-ignored`
  void AddHeader(std::string name, std::string value);

  // A whole answer.
  [[nodiscard]] Result<void> SendJson(Plaintext body, std::uint16_t status = 200);
  [[nodiscard]] Result<void> SendContent(PlaintextView content, std::string_view type);

  // A stream of server-sent events (HTML standard, section 9.2). `name` empty: data only.
  [[nodiscard]] Result<void> StartEvents();
  [[nodiscard]] Result<void> SendEvent(std::string_view name, PlaintextView data);

  bool started() const { return started_; }
  // The envelope, or an `error` event once a stream has started.
  void SendError(const Error& error);
  void End();
  // After End: what the receipt will say; it is completed when this is destroyed.
  std::optional<Window> TakeWindow() { return std::move(window_); }

 private:
  [[nodiscard]] Result<void> SendHead(std::uint16_t status, std::string_view type, bool has_length,
                                      std::uint64_t length);
  [[nodiscard]] Result<void> SendPieces(PlaintextView bytes);
  static Plaintext EventText(std::string_view name, PlaintextView data);
  void SendReceiptEvent();

  const net::HttpRequest& request_;
  Responder& responder_;
  MeteredRooms rooms_;
  const Services services_;
  const std::int64_t opened_ms_ = UnixMillis();
  const BootClock::time_point opened_ = BootClock::now();
  std::optional<Window> window_;
  std::vector<net::Header> headers_;
  std::vector<std::string> ignored_;
  policy::Label label_ = policy::kLowestLabel;
  bool started_ = false;
  bool events_ = false;
  bool done_event_ = false;  // `data: [DONE]` was sent, or an error event instead
};

}  // namespace casemate::api
