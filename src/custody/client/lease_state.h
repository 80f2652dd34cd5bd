#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "custody/client/release_client.h"

// What a Lease and a Ticket share with the client that made them. Inside this folder only.
namespace casemate::custody {

struct Lease::State {
  State(Key lent, const ObjectId& of, policy::Label object_label, BootClock::time_point end)
      : key(std::move(lent)), object(of), label(object_label), ends(end) {}

  // Waits for a `With` that is running; afterwards the key is zeroed.
  void Wipe();

  mutable std::shared_mutex mutex;  // shared: somebody uses the key; exclusive: it is wiped
  std::optional<Key> key;           // empty: the lease is over
  const ObjectId object;
  const policy::Label label;
  std::atomic<BootClock::time_point> ends;
};

struct Ticket::State {
  // `abandoned_` runs once, when the owner destroys the ticket without closing it.
  State(const TicketReply& reply, BootClock::time_point end,
        std::function<void(const TicketId&)> when_abandoned);

  // The ticket is over: wipes its leases and, if `revoked`, runs what waits for that. Once.
  void End(bool revoked);
  // Errors: kDeadlineExceeded: the ticket is over; the lease is wiped then.
  [[nodiscard]] Result<void> Add(const std::shared_ptr<Lease::State>& lease);
  // Every lease that is still in use gets a new end; returns how many there are.
  std::size_t Prolong(BootClock::time_point lease_end);
  // Wipes the leases on these objects: they were erased.
  void WipeObjects(const std::unordered_set<ObjectId>& erased);
  // Wipes the leases whose time is over. Returns the next time at which one ends.
  BootClock::time_point WipeExpired(BootClock::time_point now);

  const TicketId id;
  const policy::Label ceiling;
  const std::uint64_t log_index;
  const std::optional<policy::Label> every_ceiling;  // of collections without one of their own
  const std::map<CollectionId, policy::Label> collections;
  const std::function<void(const TicketId&)> abandoned;
  std::atomic<BootClock::time_point> ends;
  std::atomic<BootClock::time_point> renew_at;
  std::atomic<bool> over = false;
  std::atomic<bool> closed = false;  // Close was called: nothing to abandon

  std::mutex mutex;  // guards what follows
  bool revoked = false;
  std::vector<std::function<void()>> on_revoked;
  std::vector<std::weak_ptr<Lease::State>> leases;
};

}  // namespace casemate::custody
