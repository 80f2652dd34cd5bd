#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>

#include "custody/client/release_client.h"
#include "ipc/channel.h"

namespace casemate::custody {

// A ReleaseClient over the keeper's channel to the custodian. Two threads of its own: one wipes
// leases when their time is over, one renews them at half of it while their ticket lives. When the
// custodian is gone every call fails with kUnavailable and what is leased goes dark when it ends.
class SocketReleaseClient : public ReleaseClient {
 public:
  // All run on the connection's thread: be brief, and never call the client from them.
  struct Handlers {
    std::function<void(ReceiptKeys&&)> receipt_keys;        // once, before `tenant`
    std::function<void(const Tenant&)> tenant;              // at attachment, and when models change
    std::function<void(std::span<const ObjectId>)> erased;  // drop what was made from these
    std::function<void(const Error&)> lost;                 // the custodian is gone
  };
  static std::unique_ptr<SocketReleaseClient> Start(ipc::Channel channel, Handlers handlers);
  SocketReleaseClient(const SocketReleaseClient&) = delete;
  SocketReleaseClient& operator=(const SocketReleaseClient&) = delete;
  ~SocketReleaseClient() override;

  // Waits for what the custodian says at attachment. Errors: kDeadlineExceeded, kUnavailable.
  [[nodiscard]] Result<Tenant> WaitForTenant(std::chrono::milliseconds timeout);

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
  [[nodiscard]] Result<CloseForReceiptReply> CloseWithReceipt(
      const CloseForReceipt& request) override;

  struct State;

 private:
  explicit SocketReleaseClient(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace casemate::custody
