#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "audit/verify/receipt.h"
#include "base/clock.h"
#include "base/id.h"
#include "custody/client/release_client.h"
#include "storage/receipt_store.h"

namespace casemate::audit {

// What is known of one answer when its window closes. Origin, receipt and closing time are the
// book's to fill in.
struct WindowFacts {
  ReceiptId receipt;
  TicketId ticket;  // left open: the book closes it
  BootClock::time_point opened;
  ServerBlock server;
  ClientBlock client;
};

struct ReceiptPending {};
using ReceiptState = std::variant<ReceiptPending, std::string>;

// A keeper's receipts: promised when an answer begins, completed when its window is closed, then
// kept. Completing signs, closes the ticket and waits for the custodian and the disk, on threads of
// its own. A receipt that cannot be completed says why when it is asked for; it never disappears
// without a word. Threads: all members may run at the same time.
class ReceiptBook {
 public:
  struct Options {
    std::size_t workers = 2;
    // Windows that wait; Complete blocks beyond. Promised and failed receipts are bounded with it.
    std::size_t max_waiting = 1024;
  };
  // `keys` as the custodian sent them; the store's key is not among what is used here. `store` and
  // `releases` outlive the book. Errors: kInvalidArgument: no such keys.
  [[nodiscard]] static Result<std::unique_ptr<ReceiptBook>> Make(const custody::ReceiptKeys& keys,
                                                                 custody::ReleaseClient& releases,
                                                                 storage::ReceiptStore& store,
                                                                 Options options);
  [[nodiscard]] static Result<std::unique_ptr<ReceiptBook>> Make(const custody::ReceiptKeys& keys,
                                                                 custody::ReleaseClient& releases,
                                                                 storage::ReceiptStore& store) {
    return Make(keys, releases, store, Options());
  }
  ~ReceiptBook();  // completes what waits

  // A fresh id: its answer may carry it. Complete must follow.
  ReceiptId Promise(const PrincipalId& principal);
  // The window is closed: everything that the blocks say was wiped is wiped.
  void Complete(WindowFacts facts);

  // For `principal`, or whom `any_principal` says that it may read all of them. Errors: kNotFound:
  // none of that id, or no longer kept, or promised before this process started.
  // kPermissionDenied: another principal's. Else: why it could not be completed.
  [[nodiscard]] Result<ReceiptState> Find(const ReceiptId& id, const PrincipalId& principal,
                                          bool any_principal);

  struct State;

 private:
  explicit ReceiptBook(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace casemate::audit
