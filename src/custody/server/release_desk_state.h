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
  policy::Label limit = policy::kLowestLabel;    // of request, principal and key: above any grant
  policy::Label ceiling = policy::kLowestLabel;  // highest that it opens at all
  std::vector<GrantRecord> grants;               // the principal's, as they were when it was given
  std::set<CollectionId> collections;            // wanted, where not all are
  std::uint64_t owner_tag = 0;                   // of the principal
  bool is_operator = false;                      // sees what any principal of the tenant owns
  BootClock::time_point ends;
  BootClock::time_point last = BootClock::time_point::max();  // renewal goes no further
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
  // Counted against max_partitions: a collection's documents of one label.
  std::set<std::pair<CollectionId, policy::Label>> partitions;
};

struct Session {
  TenantId tenant;
  ReleaseDesk::Push push;
  std::size_t tickets = 0;
};

inline std::unexpected<Error> Refuse(ErrorCode code, Rule rule, std::string message) {
  return Fail(code, std::move(message), std::string(policy::RuleName(rule)));
}

// The rule that Refuse named.
inline Rule RuleOf(const Error& error) {
  for (std::uint8_t number = 1; number <= policy::kLastRule; ++number) {
    if (policy::RuleName(static_cast<Rule>(number)) == error.detail) {
      return static_cast<Rule>(number);
    }
  }
  return Rule::kNone;
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

// What a ticket reaches: release_desk_scope.cc. With the ticket's mutex held.
// How far in this collection (none: in none) for one action, or nothing.
std::optional<policy::Label> CeilingFor(const OpenTicket& ticket, const CollectionId& collection,
                                        policy::Action action);
// The same for everything that the ticket does.
std::optional<policy::Label> CeilingFor(const OpenTicket& ticket, const CollectionId& collection);
// Why the ticket may not do `action` to this object, or kNone. Errors: those of the tree.
Result<Rule> Scope(const OpenTicket& ticket, KeyTree& tree, const ObjectEntry& entry,
                   std::uint32_t slot, policy::Action action);
// Why it may not be opened for this purpose, or kNone.
Result<Rule> MayOpen(const OpenTicket& ticket, KeyTree& tree, const ObjectEntry& entry,
                     std::uint32_t slot, policy::Purpose purpose);
// The entries of `objects`, in order. Errors: as KeyTree::WithObjects.
Result<std::vector<ObjectEntry>> EntriesOf(KeyTree& tree, std::span<const ObjectRef> objects);

// A ticket that was given, and the revision of the state that it was judged by.
struct Given {
  TicketReply reply;
  std::uint64_t revision = 0;
};

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
  Result<Given> Give(SessionId session, const TenantId& tenant, const TicketRequest& request);
  Result<std::shared_ptr<OpenTicket>> Judge(const TenantId& tenant, const TicketRequest& request,
                                            Rule& rule);
  Result<void> CheckGrants(const StateDocument& state, const PrincipalRecord& principal,
                           const TicketRequest& request, OpenTicket& ticket, Rule& rule) const;
  // Tells the keepers and itemises; returns how many there were.
  std::uint32_t EndAndTell(const std::function<bool(const OpenTicket&)>& which);
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
