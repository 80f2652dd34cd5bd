#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "custody/messages.h"
#include "custody/server/custodian.h"

namespace casemate::custody {

// Tickets and what is released under them: the rules of docs/formats/release.md. A session is one
// keeper's channel; its tenant was fixed when the supervisor attached it, never by what it says.
// Threads: all members may run at the same time.
class ReleaseDesk {
 public:
  using SessionId = std::uint64_t;
  // Sends a notice to one keeper. Must not call the desk.
  using Push = std::function<void(const Revoke&)>;

  ReleaseDesk(Custodian& custodian, std::chrono::milliseconds lease);
  ~ReleaseDesk();

  SessionId OpenSession(const TenantId& tenant, Push push);
  void CloseSession(SessionId session);  // its tickets end
  [[nodiscard]] Result<TenantId> TenantOf(SessionId session) const;

  [[nodiscard]] Result<TicketReply> Request(SessionId session, const TicketRequest& request);
  [[nodiscard]] Result<OpenReply> Open(SessionId session, const OpenRequest& request);
  [[nodiscard]] Result<CreateObjectsReply> Create(SessionId session,
                                                  const CreateObjectsRequest& request);
  [[nodiscard]] Result<RenewReply> Renew(SessionId session, const RenewRequest& request);
  [[nodiscard]] Result<CloseTicketReply> Close(SessionId session,
                                               const CloseTicketRequest& request);
  // Signs the custodian's block of a receipt: docs/formats/receipt.md.
  [[nodiscard]] Result<CloseForReceiptReply> CloseWithReceipt(SessionId session,
                                                              const CloseForReceipt& request);
  [[nodiscard]] Result<FilterReply> Filter(SessionId session, const FilterRequest& request);
  [[nodiscard]] Result<EraseReply> Erase(SessionId session, const EraseRequest& request);

  // Ends every ticket that this API key, this principal or this tenant asked for, or that rests on
  // this grant, and tells their keepers before it returns; returns how many.
  std::uint32_t EndTicketsOf(const KeyId& key);
  std::uint32_t EndTicketsOf(const PrincipalId& principal);
  std::uint32_t EndTicketsOf(const TenantId& tenant);
  std::uint32_t EndTicketsOf(const GrantId& grant);
  // Itemises tickets whose time is over. Call about once a second.
  void Sweep();

  // How long keys are lent from now on.
  void SetLease(std::chrono::milliseconds lease);

  std::uint32_t open_tickets() const;
  std::uint64_t opened_keys() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace casemate::custody
