#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "custody/server/release_desk.h"

// Inside this folder only.
namespace casemate::custody {

using policy::Rule;
using std::chrono::milliseconds;

struct OpenTicket {
  TicketId id;
  ReleaseDesk::SessionId session = 0;
  TenantId tenant;
  KeyId key;
  TicketRequest request;
  policy::Label ceiling = policy::kLowestLabel;
  // Of the collections that the grants allow, when the ticket asks for all.
  bool every_collection = false;
  std::set<CollectionId> collections;
  BootClock::time_point ends;
  audit::Leaf base;  // who, why and what for: the start of every leaf of this ticket
  ObjectRef principal_object;
  audit::Leaf entry;  // as the log has it, at `index`
  std::uint64_t index = 0;

  std::mutex mutex;  // guards what follows
  bool over = false;
  std::uint32_t opened = 0;                 // counted against max_objects
  std::vector<ObjectId> released;           // itemised when the ticket closes
  std::unordered_set<std::uint32_t> made;   // slots of objects that it made
  std::optional<audit::Leaf> closed_entry;  // set when it is itemised
  std::uint64_t closed_index = 0;
};

struct Session {
  TenantId tenant;
  ReleaseDesk::Push push;
  std::size_t tickets = 0;
};

inline std::unexpected<Error> Refuse(ErrorCode code, Rule rule, std::string message) {
  return Fail(code, std::move(message), std::string(policy::RuleName(rule)));
}

// Purposes whose keys leave the custodian at all.
inline bool ReleasedToKeepers(policy::Purpose purpose) {
  const auto number = static_cast<std::uint8_t>(purpose);
  return number >= 1 && number <= policy::kLastPurpose && purpose != policy::Purpose::kSalt &&
         purpose != policy::Purpose::kSigningSeed;
}

inline milliseconds Until(BootClock::time_point end) {
  return std::max(milliseconds(0),
                  std::chrono::duration_cast<milliseconds>(end - BootClock::now()));
}

struct ReleaseDesk::State {
  Custodian& custodian;
  std::atomic<milliseconds> lease;

  mutable std::mutex mutex;  // guards all below; taken before a ticket's
  std::map<SessionId, Session> sessions;
  std::unordered_map<TicketId, std::shared_ptr<OpenTicket>> tickets;
  SessionId last_session = 0;
  // Tickets that ended by themselves or were revoked, whose receipt may still be asked for. Oldest
  // first; bounded by kMaxEnded.
  static constexpr std::size_t kMaxEnded = 4096;
  std::deque<std::shared_ptr<OpenTicket>> ended;
  std::atomic<std::uint64_t> opened_keys = 0;

  State(Custodian& owner, milliseconds lease_time) : custodian(owner), lease(lease_time) {}

  Result<TenantId> TenantOf(SessionId session) const;
  Result<std::shared_ptr<OpenTicket>> Find(SessionId session, const TicketId& id) const;
  std::shared_ptr<OpenTicket> Take(const TicketId& id);
  Result<std::shared_ptr<OpenTicket>> Judge(const TenantId& tenant, const TicketRequest& request,
                                            Rule& rule);
  Result<void> CheckGrants(const StateDocument& state, const PrincipalRecord& principal,
                           const TicketRequest& request, OpenTicket& ticket, Rule& rule) const;
  // Why this entry may not be opened under this ticket, or kNone.
  static Rule Scope(OpenTicket& ticket, const ObjectEntry& entry, std::uint32_t slot);
  void LogRefusal(const audit::Leaf& base, Rule rule, std::size_t count);
  // `durable`: on return; else with the next entry that is.
  Result<std::uint64_t> Itemise(OpenTicket& ticket, bool durable = false);
  void Remember(std::shared_ptr<OpenTicket> ticket);
  std::shared_ptr<OpenTicket> TakeEnded(SessionId session, const TicketId& id);
  void ItemiseOrLog(OpenTicket& ticket);  // where nobody waits for the answer
  std::uint32_t LeaseMs(const OpenTicket& ticket) const {
    return static_cast<std::uint32_t>(std::min(lease.load(), Until(ticket.ends)).count());
  }
  std::vector<std::shared_ptr<OpenTicket>> EndWhere(
      const std::function<bool(const OpenTicket&)>& which);
};

}  // namespace casemate::custody
