#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "api/metered_rooms.h"
#include "audit/receipt/receipt_book.h"
#include "net/messages.h"
#include "secmem/plaintext.h"

namespace casemate::api {

// What a receipt will say of one request and its answer, gathered on the way. Made when a request
// gets a ticket; ends after the request and its answer are wiped, which completes the receipt.
// Move-only. Threads: one at a time.
class Window {
 public:
  // `book` outlives it. `salt` is the ticket's.
  Window(audit::ReceiptBook& book, const net::HttpRequest& request, const audit::ReceiptSalt& salt,
         const audit::Digest& request_digest, TicketId ticket, std::int64_t opened_ms,
         BootClock::time_point opened);
  Window(Window&& other) noexcept = default;
  Window& operator=(Window&& other) noexcept = default;
  ~Window();  // completes the receipt

  audit::ReceiptId receipt() const { return facts_->receipt; }
  void Head(std::uint16_t status, bool streamed);
  void Sent(PlaintextView part);  // handed to the client, in order
  void Cut();                     // the answer ends early
  void Used(const ModelUse& use, const std::vector<custody::ModelEntry>& models);

 private:
  audit::ReceiptBook* book_;
  // Behind a pointer: a moved-from window completes nothing.
  std::unique_ptr<audit::WindowFacts> facts_;
  audit::AnswerDigest answer_;
};

}  // namespace casemate::api
