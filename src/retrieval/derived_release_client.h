#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "crypto/hash.h"
#include "custody/client/lease_state.h"
#include "custody/client/release_client.h"

namespace casemate::retrieval {

// For tests that kill the process: a custodian without memory, whose keys are hashes of what they
// are for, so that another process opens what a killed one sealed. It allows everything.
class DerivedReleaseClient : public custody::ReleaseClient {
 public:
  Result<custody::Ticket> Request(const custody::TicketRequest& request) override {
    custody::TicketReply reply;
    reply.ticket = crypto::RandomId<TicketId>();
    reply.ceiling = request.label;
    reply.every_collection = true;
    reply.every_ceiling = request.label;
    const auto end = BootClock::now() + std::chrono::hours(1);
    return custody::Ticket(
        std::make_shared<custody::Ticket::State>(reply, end, [](const TicketId&) {}));
  }
  Result<std::vector<custody::Lease>> Open(const custody::Ticket& ticket, policy::Purpose purpose,
                                           std::span<const custody::ObjectRef> objects) override {
    std::vector<custody::Lease> leases;
    for (const custody::ObjectRef& object : objects) {
      Result<custody::Lease> lease = Lend(ticket, purpose, object.id);
      if (!lease) {
        return std::unexpected(lease.error());
      }
      leases.push_back(std::move(*lease));
    }
    return leases;
  }
  Result<std::vector<custody::Reach>> Filter(const custody::Ticket&, policy::Purpose,
                                             std::span<const custody::ObjectRef> objects) override {
    return std::vector(objects.size(), custody::Reach::kOpens);
  }
  Result<std::vector<custody::Created>> Create(const custody::Ticket& ticket,
                                               std::vector<custody::NewObject> objects,
                                               std::span<const policy::Purpose> purposes) override {
    std::vector<custody::Created> created;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      custody::Created one{{crypto::RandomId<ObjectId>(), 1}, {}};
      for (const policy::Purpose purpose : purposes) {
        Result<custody::Lease> lease = Lend(ticket, purpose, one.ref.id);
        if (!lease) {
          return std::unexpected(lease.error());
        }
        one.leases.push_back(std::move(*lease));
      }
      created.push_back(std::move(one));
    }
    return created;
  }
  Result<custody::EraseReply> Erase(const custody::Ticket&,
                                    std::span<const custody::ObjectRef> objects, bool) override {
    custody::EraseReply reply;
    reply.erased.assign(objects.begin(), objects.end());
    return reply;
  }
  Result<custody::CloseTicketReply> Close(custody::Ticket ticket) override {
    ticket.state()->closed = true;
    ticket.state()->End(false);
    return custody::CloseTicketReply{};
  }
  Result<custody::CloseForReceiptReply> CloseWithReceipt(const custody::CloseForReceipt&) override {
    return custody::CloseForReceiptReply{};
  }

 private:
  static Result<custody::Lease> Lend(const custody::Ticket& ticket, policy::Purpose purpose,
                                     const ObjectId& object) {
    const std::byte label{static_cast<std::uint8_t>(purpose)};
    crypto::Digest digest = crypto::Sha256(object.bytes(), ByteView(&label, 1));
    Result<Key> key = Key::TakeFrom(digest);
    if (!key) {
      return std::unexpected(key.error());
    }
    auto state = std::make_shared<custody::Lease::State>(
        std::move(*key), object, policy::kLowestLabel, BootClock::now() + std::chrono::hours(1));
    if (Result<void> added = ticket.state()->Add(state); !added) {
      return std::unexpected(added.error());
    }
    return custody::Lease(std::move(state));
  }
};

}  // namespace casemate::retrieval
