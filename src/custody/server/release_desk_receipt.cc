#include <algorithm>

#include "custody/server/release_desk_state.h"

// The custodian's block of a receipt, made as a ticket closes.
namespace casemate::custody {

void ReleaseDesk::State::Remember(std::shared_ptr<OpenTicket> ticket) {
  const std::lock_guard lock(mutex);
  ended.push_back(std::move(ticket));
  if (ended.size() > kMaxEnded) {
    ended.pop_front();
  }
}

std::shared_ptr<OpenTicket> ReleaseDesk::State::TakeEnded(SessionId session, const TicketId& id) {
  const std::lock_guard lock(mutex);
  const auto found = std::ranges::find_if(
      ended, [&](const auto& one) { return one->id == id && one->session == session; });
  if (found == ended.end()) {
    return nullptr;
  }
  std::shared_ptr<OpenTicket> ticket = std::move(*found);
  ended.erase(found);
  return ticket;
}

Result<CloseForReceiptReply> ReleaseDesk::CloseWithReceipt(SessionId session,
                                                           const CloseForReceipt& request) {
  std::shared_ptr<OpenTicket> ticket;
  if (state_->Find(session, request.ticket)) {
    ticket = state_->Take(request.ticket);
  }
  // Nobody but the caller itself and the end of its time takes a ticket: it may be among those.
  audit::LogWriter& log = state_->custodian.log();
  if (ticket) {
    if (Result<std::uint64_t> logged = state_->Itemise(*ticket, true); !logged) {
      return std::unexpected(logged.error());
    }
  } else if ((ticket = state_->TakeEnded(session, request.ticket))) {
    // What is signed must be in the log for good: its number may not become another entry's.
    if (Result<void> written = log.Checkpoint(); !written) {
      return std::unexpected(written.error());
    }
  } else {
    return Refuse(ErrorCode::kDeadlineExceeded, Rule::kTicketOver,
                  "there is no such ticket, or it ended too long ago");
  }
  audit::CustodianBlock block;
  block.receipt = audit::ReceiptId(request.receipt);
  block.ticket = ticket->entry;
  block.ticket_index = ticket->index;
  {
    const std::lock_guard lock(ticket->mutex);
    if (!ticket->closed_entry) {
      return Fail(ErrorCode::kUnavailable, "the ticket's end could not be logged");
    }
    block.closed = *ticket->closed_entry;
    block.closed_index = ticket->closed_index;
  }
  block.log_size = log.size();
  block.server_text = request.server_text;
  block.client_text = request.client_text;
  Result<std::string> note = state_->custodian.SignReceipt(ticket->tenant, std::move(block));
  if (!note) {
    return std::unexpected(note.error());
  }
  return CloseForReceiptReply{std::move(*note)};
}

}  // namespace casemate::custody
