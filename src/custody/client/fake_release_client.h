#pragma once

#include <cstdint>
#include <memory>

#include "custody/client/release_client.h"

namespace casemate::custody {

// A custodian in memory, for the tests of whoever needs a ReleaseClient: random object secrets, the
// real key derivation, tickets with their actions, ceilings and counts; no log, no tree, no grants.
// The tenant's object is there from the start. Threads: as ReleaseClient.
class FakeReleaseClient : public ReleaseClient {
 public:
  FakeReleaseClient();
  ~FakeReleaseClient() override;

  const TenantId& tenant() const;
  const PrincipalId& principal() const;  // any other is refused by Request
  const ObjectRef& tenant_object() const;

  [[nodiscard]] Result<Ticket> Request(const TicketRequest& request) override;
  [[nodiscard]] Result<std::vector<Lease>> Open(const Ticket& ticket, policy::Purpose purpose,
                                                std::span<const ObjectRef> objects) override;
  [[nodiscard]] Result<std::vector<Reach>> Filter(const Ticket& ticket, policy::Purpose purpose,
                                                  std::span<const ObjectRef> objects) override;
  [[nodiscard]] Result<std::vector<Created>> Create(
      const Ticket& ticket, std::vector<NewObject> objects,
      std::span<const policy::Purpose> purposes) override;
  [[nodiscard]] Result<EraseReply> Erase(const Ticket& ticket, std::span<const ObjectRef> objects,
                                         bool no_mirror) override;
  [[nodiscard]] Result<CloseTicketReply> Close(Ticket ticket) override;
  // Its note is no note: a title and the ticket's id.
  [[nodiscard]] Result<CloseForReceiptReply> CloseWithReceipt(
      const CloseForReceipt& request) override;

  // What an operator would do: ends every ticket and refuses new ones with kPermissionDenied.
  void RevokePrincipal();
  // Erase needs `no_mirror` from now on, as without a mirror. From the start it does not.
  void RequireNoMirror();
  // Every call fails with kUnavailable until it is called with false.
  void SetUnavailable(bool unavailable);
  std::uint64_t objects_opened() const;  // keys handed out, by Open and Create

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace casemate::custody
