#include "custody/server/release_desk.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "custody/purpose_key.h"

namespace casemate::custody {
namespace {

using policy::Rule;
using std::chrono::milliseconds;

constexpr std::uint32_t kMaxDurationMs = 3'600'000;
constexpr std::size_t kMaxTicketsPerSession = 10'000;
constexpr std::size_t kMaxObjectsPerCreate = 64;
constexpr std::size_t kMaxPurposesPerCreate = 4;
constexpr policy::ActionSet kEveryAction = 63;

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

  std::mutex mutex;  // guards what follows
  bool over = false;
  std::uint32_t opened = 0;                // counted against max_objects
  std::vector<ObjectId> released;          // itemised when the ticket closes
  std::unordered_set<std::uint32_t> made;  // slots of objects that it made
};

struct Session {
  TenantId tenant;
  ReleaseDesk::Push push;
  std::size_t tickets = 0;
};

std::unexpected<Error> Refuse(ErrorCode code, Rule rule, std::string message) {
  return Fail(code, std::move(message), std::string(policy::RuleName(rule)));
}

bool ReleasedToKeepers(policy::Purpose purpose) {
  const auto number = static_cast<std::uint8_t>(purpose);
  return number >= 1 && number <= policy::kLastPurpose && purpose != policy::Purpose::kSalt &&
         purpose != policy::Purpose::kSigningSeed;
}

bool OfTenantObjectOnly(policy::Purpose purpose) {
  return purpose == policy::Purpose::kNameIndex || purpose == policy::Purpose::kChangeIndex;
}

milliseconds Until(BootClock::time_point end) {
  return std::max(milliseconds(0),
                  std::chrono::duration_cast<milliseconds>(end - BootClock::now()));
}

}  // namespace

struct ReleaseDesk::State {
  Custodian& custodian;
  const milliseconds lease;

  mutable std::mutex mutex;  // guards all below; taken before a ticket's
  std::map<SessionId, Session> sessions;
  std::unordered_map<TicketId, std::shared_ptr<OpenTicket>> tickets;
  SessionId last_session = 0;
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
  Result<std::uint64_t> Itemise(OpenTicket& ticket);
  std::uint32_t LeaseMs(const OpenTicket& ticket) const {
    return static_cast<std::uint32_t>(std::min(lease, Until(ticket.ends)).count());
  }
  std::vector<std::shared_ptr<OpenTicket>> EndWhere(
      const std::function<bool(const OpenTicket&)>& which);
};

ReleaseDesk::ReleaseDesk(Custodian& custodian, milliseconds lease)
    : state_(std::make_unique<State>(custodian, lease)) {}
ReleaseDesk::~ReleaseDesk() = default;

// --- Sessions and tickets -----------------------------------------------------------------------

ReleaseDesk::SessionId ReleaseDesk::OpenSession(const TenantId& tenant, Push push) {
  const std::lock_guard lock(state_->mutex);
  const SessionId id = ++state_->last_session;
  state_->sessions.emplace(id, Session{tenant, std::move(push), 0});
  return id;
}

void ReleaseDesk::CloseSession(SessionId session) {
  for (const auto& ticket :
       state_->EndWhere([session](const OpenTicket& one) { return one.session == session; })) {
    (void)state_->Itemise(*ticket);
  }
  const std::lock_guard lock(state_->mutex);
  state_->sessions.erase(session);
}

Result<TenantId> ReleaseDesk::State::TenantOf(SessionId session) const {
  const std::lock_guard lock(mutex);
  const auto found = sessions.find(session);
  if (found == sessions.end()) {
    return Fail(ErrorCode::kPermissionDenied, "this keeper is not attached");
  }
  return found->second.tenant;
}

Result<TenantId> ReleaseDesk::TenantOf(SessionId session) const {
  return state_->TenantOf(session);
}

Result<std::shared_ptr<OpenTicket>> ReleaseDesk::State::Find(SessionId session,
                                                             const TicketId& id) const {
  const std::lock_guard lock(mutex);
  const auto found = tickets.find(id);
  // A ticket of another session is treated as one that does not exist.
  if (found == tickets.end() || found->second->session != session) {
    return Refuse(ErrorCode::kDeadlineExceeded, Rule::kTicketOver, "the ticket is over");
  }
  return found->second;
}

std::shared_ptr<OpenTicket> ReleaseDesk::State::Take(const TicketId& id) {
  const std::lock_guard lock(mutex);
  const auto found = tickets.find(id);
  if (found == tickets.end()) {
    return nullptr;
  }
  auto ticket = std::move(found->second);
  tickets.erase(found);
  if (const auto session = sessions.find(ticket->session); session != sessions.end()) {
    --session->second.tickets;
  }
  return ticket;
}

std::vector<std::shared_ptr<OpenTicket>> ReleaseDesk::State::EndWhere(
    const std::function<bool(const OpenTicket&)>& which) {
  std::vector<TicketId> ids;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [id, ticket] : tickets) {
      if (which(*ticket)) {
        ids.push_back(id);
      }
    }
  }
  std::vector<std::shared_ptr<OpenTicket>> ended;
  for (const TicketId& id : ids) {
    if (auto ticket = Take(id)) {
      const std::lock_guard lock(ticket->mutex);
      ticket->over = true;
      ended.push_back(std::move(ticket));
    }
  }
  return ended;
}

void ReleaseDesk::State::LogRefusal(const audit::Leaf& base, Rule rule, std::size_t count) {
  audit::Leaf leaf = base;
  leaf.type = audit::LeafType::kRefusal;
  leaf.unix_ms = UnixMillis();
  leaf.rule = static_cast<std::uint8_t>(rule);
  leaf.count = static_cast<std::uint32_t>(count);
  if (Result<std::uint64_t> logged = custodian.log().AppendRelaxed(leaf); !logged) {
    LogError("a refusal could not be logged", logged.error());
  }
}

Result<void> ReleaseDesk::State::CheckGrants(const StateDocument& state,
                                             const PrincipalRecord& principal,
                                             const TicketRequest& request, OpenTicket& ticket,
                                             Rule& rule) const {
  policy::Label granted = policy::kLowestLabel;
  policy::ActionSet actions = 0;
  for (const GrantRecord& grant : state.grants) {
    if (grant.principal != principal.id) {
      continue;
    }
    granted = policy::Highest(granted, grant.ceiling);
    actions = static_cast<policy::ActionSet>(actions | grant.actions);
    if (grant.all_collections) {
      ticket.every_collection = true;
    } else {
      ticket.collections.insert(grant.collection);
    }
  }
  if ((request.actions & ~actions) != 0) {
    rule = Rule::kActionNotGranted;
    return Refuse(ErrorCode::kPermissionDenied, rule,
                  "the principal may not do what was asked for");
  }
  ticket.ceiling = std::min({request.label, granted, principal.ceiling});
  if (!request.all_collections) {
    std::set<CollectionId> wanted(request.collections.begin(), request.collections.end());
    for (const CollectionId& collection : wanted) {
      if (!ticket.every_collection && !ticket.collections.contains(collection)) {
        rule = Rule::kCollectionNotGranted;
        return Refuse(ErrorCode::kPermissionDenied, rule,
                      "the principal may not read this collection");
      }
    }
    ticket.every_collection = false;
    ticket.collections = std::move(wanted);
  }
  return {};
}

// Everything about a request that can be refused; `rule` says why it was.
Result<std::shared_ptr<OpenTicket>> ReleaseDesk::State::Judge(const TenantId& tenant,
                                                              const TicketRequest& request,
                                                              Rule& rule) {
  const StateDocument state = custodian.state();
  const TenantRecord* record = state.FindTenant(tenant);
  const PrincipalRecord* principal = state.FindPrincipal(request.principal);
  auto ticket = std::make_shared<OpenTicket>();
  ticket->request = request;
  ticket->tenant = tenant;
  ticket->key = request.key;
  audit::Leaf& base = ticket->base;
  base.justification = static_cast<std::uint8_t>(request.justification);
  base.level = static_cast<std::uint8_t>(request.level);
  base.actions = request.actions;
  base.label = static_cast<std::uint8_t>(request.label);
  base.max_objects = request.max_objects;
  base.max_partitions = request.max_partitions;
  base.duration_ms = request.duration_ms;
  base.request = request.request_digest;
  if (record == nullptr || principal == nullptr || principal->tenant != tenant) {
    rule = Rule::kNoSuchPrincipal;
    return Refuse(ErrorCode::kPermissionDenied, rule, "this tenant has no such principal");
  }
  const KeyRecord* key = request.key.is_none() ? nullptr : state.FindKey(request.key);
  const bool key_fits = request.key.is_none()
                            ? principal->is_operator
                            : key != nullptr && key->principal == principal->id && !key->revoked;
  if (!key_fits) {
    rule = Rule::kKeyRevoked;
    return Refuse(ErrorCode::kPermissionDenied, rule, "the API key is unknown or revoked");
  }
  if (!policy::AllowedByDefault(request.justification)) {
    rule = Rule::kJustificationDenied;
    return Refuse(ErrorCode::kPermissionDenied, rule, "policy does not allow this justification");
  }
  // `asserted` is enough for every label in this version; the field is judged all the same.
  if (request.level < policy::ReleaseLevel::kAsserted) {
    rule = Rule::kReleaseLevelTooLow;
    return Refuse(ErrorCode::kPermissionDenied, rule, "a release level that is none");
  }
  if (Result<void> granted = CheckGrants(state, *principal, request, *ticket, rule); !granted) {
    return std::unexpected(granted.error());
  }
  if (key != nullptr) {
    ticket->ceiling = std::min(ticket->ceiling, key->ceiling);
  }
  ticket->id = crypto::RandomId<TicketId>();
  ticket->principal_object = principal->object;
  Result<audit::Commitment> tenant_commitment =
      custodian.Commit(tenant, record->tenant_object, kTenantField, tenant.bytes());
  Result<audit::Commitment> principal_commitment =
      custodian.Commit(tenant, principal->object, kPrincipalField, principal->id.bytes());
  Result<audit::Commitment> ticket_commitment =
      custodian.Commit(tenant, principal->object, kTicketField, ticket->id.bytes());
  if (!tenant_commitment || !principal_commitment || !ticket_commitment) {
    return Fail(ErrorCode::kUnavailable, "the audit entry cannot be made, so nothing is released",
                tenant_commitment ? "principal" : tenant_commitment.error().detail);
  }
  base.tenant = *tenant_commitment;
  base.principal = *principal_commitment;
  base.ticket = *ticket_commitment;
  base.label = static_cast<std::uint8_t>(ticket->ceiling);
  return ticket;
}

Result<TicketReply> ReleaseDesk::Request(SessionId session, const TicketRequest& request) {
  Result<TenantId> tenant = state_->TenantOf(session);
  if (!tenant) {
    return std::unexpected(tenant.error());
  }
  if (request.duration_ms == 0 || request.duration_ms > kMaxDurationMs ||
      request.collections.size() > kMaxCollectionsPerTicket ||
      request.label > policy::kHighestLabel || (request.actions & ~kEveryAction) != 0 ||
      request.level > policy::ReleaseLevel::kAttested) {
    return Fail(ErrorCode::kInvalidArgument,
                "a ticket needs 1 to 3,600,000 ms, known actions, a known label and level, "
                "and at most 64 collections");
  }
  Rule rule = Rule::kNone;
  Result<std::shared_ptr<OpenTicket>> judged = state_->Judge(*tenant, request, rule);
  if (!judged) {
    if (rule != Rule::kNone) {
      audit::Leaf base;
      base.justification = static_cast<std::uint8_t>(request.justification);
      base.level = static_cast<std::uint8_t>(request.level);
      base.actions = request.actions;
      base.request = request.request_digest;
      state_->LogRefusal(base, rule, 0);
    }
    return std::unexpected(judged.error());
  }
  OpenTicket& ticket = **judged;
  ticket.session = session;
  ticket.ends = BootClock::now() + milliseconds(request.duration_ms);
  // The durable entry first: no log, no key.
  audit::Leaf leaf = ticket.base;
  leaf.type = audit::LeafType::kTicket;
  leaf.unix_ms = UnixMillis();
  Result<std::uint64_t> logged = state_->custodian.log().Append(leaf);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->sessions.find(session);
    if (found == state_->sessions.end() || found->second.tickets >= kMaxTicketsPerSession) {
      return Fail(ErrorCode::kResourceExhausted, "too many open tickets");
    }
    ++found->second.tickets;
    state_->tickets.emplace(ticket.id, *judged);
  }
  // A key that was revoked while the entry was written: EndTicketsOf may have missed this ticket.
  if (!request.key.is_none()) {
    const StateDocument state = state_->custodian.state();
    const KeyRecord* key = state.FindKey(request.key);
    if (key == nullptr || key->revoked) {
      (void)state_->Take(ticket.id);
      return Refuse(ErrorCode::kPermissionDenied, Rule::kKeyRevoked,
                    "the API key is unknown or revoked");
    }
  }
  return TicketReply{ticket.id, request.duration_ms, ticket.ceiling, *logged};
}

// --- Releasing ----------------------------------------------------------------------------------

Rule ReleaseDesk::State::Scope(OpenTicket& ticket, const ObjectEntry& entry, std::uint32_t slot) {
  if (ticket.made.contains(slot)) {
    return Rule::kNone;
  }
  if (entry.kind == policy::ObjectKind::kPrincipal || entry.kind == policy::ObjectKind::kSystem) {
    return Rule::kObjectNotInScope;
  }
  if (entry.label > ticket.ceiling) {
    return Rule::kLabelOverCeiling;
  }
  // A collection's own object is in that collection: its name is as secret as what it holds.
  const CollectionId home =
      entry.kind == policy::ObjectKind::kCollection ? As<CollectionId>(entry.id) : entry.collection;
  if (!home.is_none() && !ticket.every_collection && !ticket.collections.contains(home)) {
    return Rule::kObjectNotInScope;
  }
  return Rule::kNone;
}

Result<OpenReply> ReleaseDesk::Open(SessionId session, const OpenRequest& request) {
  if (request.objects.empty() || request.objects.size() > kMaxObjectsPerRelease ||
      !ReleasedToKeepers(request.purpose)) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected 1 to 1024 objects and a purpose that is released");
  }
  Result<std::shared_ptr<OpenTicket>> found = state_->Find(session, request.ticket);
  if (!found) {
    return std::unexpected(found.error());
  }
  OpenTicket& ticket = **found;
  const std::lock_guard lock(ticket.mutex);
  Rule rule = Rule::kNone;
  const auto refuse = [&](ErrorCode code, std::string message) {
    state_->LogRefusal(ticket.base, rule, request.objects.size());
    return Refuse(code, rule, std::move(message));
  };
  if (ticket.over || BootClock::now() >= ticket.ends) {
    rule = Rule::kTicketOver;
    return refuse(ErrorCode::kDeadlineExceeded, "the ticket is over");
  }
  if (ticket.request.max_objects - ticket.opened < request.objects.size()) {
    rule = Rule::kOverObjectCeiling;
    return refuse(ErrorCode::kPermissionDenied, "more objects than the ticket allows");
  }
  Result<KeyTree*> tree = state_->custodian.Tree(ticket.tenant);
  if (!tree) {
    return std::unexpected(tree.error());
  }
  const bool allowed = policy::Allows(ticket.request.actions, policy::ActionFor(request.purpose)) ||
                       (policy::ActionFor(request.purpose) == policy::Action::kSearch &&
                        policy::Allows(ticket.request.actions, policy::Action::kIndex));
  const bool may_seal = policy::Allows(ticket.request.actions, policy::Action::kSeal);
  OpenReply reply;
  Result<void> opened = (*tree)->WithObjects(
      request.objects,
      [&](std::size_t index, const ObjectEntry& entry, KeyView secret) -> Result<void> {
        const std::uint32_t slot = request.objects[index].slot;
        if (!allowed && !(may_seal && ticket.made.contains(slot))) {
          rule = Rule::kActionNotGranted;
        } else if (OfTenantObjectOnly(request.purpose) &&
                   entry.kind != policy::ObjectKind::kTenant) {
          rule = Rule::kObjectNotInScope;
        } else {
          rule = State::Scope(ticket, entry, slot);
        }
        if (rule != Rule::kNone) {
          return Refuse(ErrorCode::kPermissionDenied, rule,
                        "the ticket does not allow opening this object for this purpose");
        }
        Result<Key> key =
            DerivePurposeKey(secret, request.purpose, ticket.tenant, entry.id, entry.version);
        if (!key) {
          return std::unexpected(key.error());
        }
        reply.keys.push_back(std::move(*key));
        reply.labels.push_back(entry.label);
        return {};
      });
  if (!opened) {
    if (opened.error().code == ErrorCode::kNotFound) {
      rule = Rule::kErased;
    }
    if (rule != Rule::kNone) {
      state_->LogRefusal(ticket.base, rule, request.objects.size());
    }
    return std::unexpected(opened.error());
  }
  std::vector<ObjectId> ids;
  for (const ObjectRef& ref : request.objects) {
    ids.push_back(ref.id);
  }
  Result<audit::Commitment> root = state_->custodian.CommitObjects(ticket.tenant, ids);
  if (!root) {
    return std::unexpected(root.error());
  }
  audit::Leaf leaf = ticket.base;
  leaf.type = audit::LeafType::kRelease;
  leaf.unix_ms = UnixMillis();
  leaf.purpose = static_cast<std::uint8_t>(request.purpose);
  leaf.count = static_cast<std::uint32_t>(ids.size());
  leaf.objects = *root;
  if (Result<std::uint64_t> logged = state_->custodian.log().AppendRelaxed(leaf); !logged) {
    return std::unexpected(logged.error());
  }
  ticket.opened += static_cast<std::uint32_t>(ids.size());
  ticket.released.insert(ticket.released.end(), ids.begin(), ids.end());
  state_->opened_keys += ids.size();
  reply.lease_ms = state_->LeaseMs(ticket);
  return reply;
}

namespace {

Result<ObjectEntry> EntryFor(const NewObject& object, KeyTree& tree, OpenTicket& ticket) {
  const auto number = static_cast<std::uint8_t>(object.kind);
  if (number == 0 || number > policy::kLastObjectKind ||
      object.kind == policy::ObjectKind::kTenant || object.kind == policy::ObjectKind::kPrincipal ||
      object.kind == policy::ObjectKind::kSystem || object.sources.size() > 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "a kind that keepers do not make, or more than one source");
  }
  // An artefact's sources are what was released under its ticket; a leaf entry holds one source.
  // Made without them it would outlive what it was made from.
  if (object.kind == policy::ObjectKind::kArtefact) {
    return Fail(ErrorCode::kInvalidArgument,
                "objects with several sources are not made by this version");
  }
  if (object.label > ticket.ceiling) {
    return Refuse(ErrorCode::kPermissionDenied, Rule::kLabelOverCeiling,
                  "a label above the ticket's ceiling");
  }
  if (!object.collection.is_none() && !ticket.every_collection &&
      !ticket.collections.contains(object.collection)) {
    return Refuse(ErrorCode::kPermissionDenied, Rule::kObjectNotInScope,
                  "the collection is outside the ticket's scope");
  }
  ObjectEntry entry;
  entry.id = crypto::RandomId<ObjectId>();
  entry.collection = object.collection;
  entry.kind = object.kind;
  entry.label = object.label;
  entry.created = UnixSeconds();
  if (!object.sources.empty()) {
    entry.source = object.sources.front().slot;
    if (Result<void> there = tree.WithObjects(
            object.sources,
            [](std::size_t, const ObjectEntry&, KeyView) -> Result<void> { return {}; });
        !there) {
      return std::unexpected(there.error());
    }
  }
  return entry;
}

}  // namespace

Result<CreateObjectsReply> ReleaseDesk::Create(SessionId session,
                                               const CreateObjectsRequest& request) {
  if (request.objects.empty() || request.objects.size() > kMaxObjectsPerCreate ||
      request.purposes.empty() || request.purposes.size() > kMaxPurposesPerCreate ||
      !std::ranges::all_of(request.purposes, ReleasedToKeepers)) {
    return Fail(ErrorCode::kInvalidArgument, "expected 1 to 64 objects and 1 to 4 purposes");
  }
  Result<std::shared_ptr<OpenTicket>> found = state_->Find(session, request.ticket);
  if (!found) {
    return std::unexpected(found.error());
  }
  OpenTicket& ticket = **found;
  Result<KeyTree*> tree = state_->custodian.Tree(ticket.tenant);
  if (!tree) {
    return std::unexpected(tree.error());
  }
  std::vector<NewEntry> entries;
  std::vector<ObjectId> ids;
  CreateObjectsReply reply;
  {
    const std::lock_guard lock(ticket.mutex);
    if (ticket.over || BootClock::now() >= ticket.ends) {
      state_->LogRefusal(ticket.base, Rule::kTicketOver, request.objects.size());
      return Refuse(ErrorCode::kDeadlineExceeded, Rule::kTicketOver, "the ticket is over");
    }
    if (!policy::Allows(ticket.request.actions, policy::Action::kSeal)) {
      state_->LogRefusal(ticket.base, Rule::kActionNotGranted, request.objects.size());
      return Refuse(ErrorCode::kPermissionDenied, Rule::kActionNotGranted,
                    "the ticket does not allow making objects");
    }
    for (const NewObject& object : request.objects) {
      Result<ObjectEntry> entry = EntryFor(object, **tree, ticket);
      Result<Key> secret = Key::Random();
      if (!entry || !secret) {
        return std::unexpected(entry ? secret.error() : entry.error());
      }
      CreatedObject created;
      created.ref.id = entry->id;
      for (const policy::Purpose purpose : request.purposes) {
        Result<Key> key =
            DerivePurposeKey(*secret, purpose, ticket.tenant, entry->id, entry->version);
        if (!key) {
          return std::unexpected(key.error());
        }
        created.keys.push_back(std::move(*key));
      }
      ids.push_back(entry->id);
      reply.objects.push_back(std::move(created));
      entries.push_back({*entry, std::move(*secret)});
    }
  }
  // Not under the ticket's lock: several creations of one ticket share a commit.
  Result<std::vector<std::uint32_t>> slots = (*tree)->Create(std::move(entries));
  if (!slots) {
    return std::unexpected(slots.error());
  }
  Result<audit::Commitment> root = state_->custodian.CommitObjects(ticket.tenant, ids);
  if (!root) {
    return std::unexpected(root.error());
  }
  audit::Leaf leaf = ticket.base;
  leaf.type = audit::LeafType::kCreated;
  leaf.unix_ms = UnixMillis();
  leaf.count = static_cast<std::uint32_t>(ids.size());
  leaf.objects = *root;
  if (Result<std::uint64_t> logged = state_->custodian.log().AppendRelaxed(leaf); !logged) {
    return std::unexpected(logged.error());
  }
  const std::lock_guard lock(ticket.mutex);
  for (std::size_t i = 0; i < slots->size(); ++i) {
    reply.objects[i].ref.slot = (*slots)[i];
    ticket.made.insert((*slots)[i]);
  }
  state_->opened_keys += ids.size() * request.purposes.size();
  reply.lease_ms = state_->LeaseMs(ticket);
  return reply;
}

Result<RenewReply> ReleaseDesk::Renew(SessionId session, const RenewRequest& request) {
  Result<std::shared_ptr<OpenTicket>> found = state_->Find(session, request.ticket);
  if (!found) {
    return std::unexpected(found.error());
  }
  OpenTicket& ticket = **found;
  const std::lock_guard lock(ticket.mutex);
  const auto now = BootClock::now();
  if (ticket.over || now >= ticket.ends) {
    return Refuse(ErrorCode::kDeadlineExceeded, Rule::kTicketOver, "the ticket is over");
  }
  if (policy::Allows(ticket.request.actions, policy::Action::kIndex)) {
    ticket.ends = std::max(ticket.ends, now + milliseconds(ticket.request.duration_ms));
  }
  return RenewReply{state_->LeaseMs(ticket),
                    static_cast<std::uint32_t>(Until(ticket.ends).count())};
}

Result<std::uint64_t> ReleaseDesk::State::Itemise(OpenTicket& ticket) {
  const std::lock_guard lock(ticket.mutex);
  ticket.over = true;
  audit::Leaf leaf = ticket.base;
  leaf.type = audit::LeafType::kTicketClosed;
  leaf.unix_ms = UnixMillis();
  leaf.count = static_cast<std::uint32_t>(ticket.released.size());
  if (!ticket.released.empty()) {
    Result<audit::Commitment> root = custodian.CommitObjects(ticket.tenant, ticket.released);
    if (!root) {
      return std::unexpected(root.error());
    }
    leaf.objects = *root;
  }
  return custodian.log().AppendRelaxed(leaf);
}

Result<CloseTicketReply> ReleaseDesk::Close(SessionId session, const CloseTicketRequest& request) {
  Result<std::shared_ptr<OpenTicket>> found = state_->Find(session, request.ticket);
  if (!found) {
    return std::unexpected(found.error());
  }
  const std::shared_ptr<OpenTicket> ticket = state_->Take(request.ticket);
  if (!ticket) {
    return Refuse(ErrorCode::kDeadlineExceeded, Rule::kTicketOver, "the ticket is over");
  }
  Result<std::uint64_t> logged = state_->Itemise(*ticket);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  const std::lock_guard lock(ticket->mutex);
  return CloseTicketReply{ticket->opened, *logged};
}

// --- Erasing and revoking -----------------------------------------------------------------------

Result<EraseReply> ReleaseDesk::Erase(SessionId session, const EraseRequest& request) {
  if (request.objects.empty() || request.objects.size() > kMaxObjectsPerRelease) {
    return Fail(ErrorCode::kInvalidArgument, "expected 1 to 1024 objects");
  }
  Result<std::shared_ptr<OpenTicket>> found = state_->Find(session, request.ticket);
  if (!found) {
    return std::unexpected(found.error());
  }
  OpenTicket& ticket = **found;
  Result<KeyTree*> tree = state_->custodian.Tree(ticket.tenant);
  if (!tree) {
    return std::unexpected(tree.error());
  }
  Rule rule = Rule::kNone;
  ErrorCode code = ErrorCode::kPermissionDenied;
  std::string message = "the ticket does not allow erasing this object";
  {
    const std::lock_guard lock(ticket.mutex);
    if (ticket.over || BootClock::now() >= ticket.ends) {
      rule = Rule::kTicketOver;
      code = ErrorCode::kDeadlineExceeded;
      message = "the ticket is over";
    } else if (!policy::Allows(ticket.request.actions, policy::Action::kErase)) {
      rule = Rule::kActionNotGranted;
    } else if (!request.no_mirror && !state_->custodian.erasure_has_second_copy()) {
      rule = Rule::kNoMirror;
      code = ErrorCode::kInvalidArgument;
      message =
          "after an erasure no older copy of the key tree opens anything, and this deployment has "
          "no second copy: a lost disk would then lose everything. Set custody.mirror to a folder "
          "on another disk, or accept the risk with --no-mirror";
    } else {
      Result<void> checked = (*tree)->WithObjects(
          request.objects,
          [&](std::size_t index, const ObjectEntry& entry, KeyView) -> Result<void> {
            rule = entry.kind == policy::ObjectKind::kTenant
                       ? Rule::kObjectNotInScope
                       : State::Scope(ticket, entry, request.objects[index].slot);
            if (rule != Rule::kNone) {
              return Refuse(code, rule, message);
            }
            return {};
          });
      if (!checked && rule == Rule::kNone) {
        return std::unexpected(checked.error());  // already erased, or damaged
      }
    }
    if (rule != Rule::kNone) {
      state_->LogRefusal(ticket.base, rule, request.objects.size());
      return Refuse(code, rule, message);
    }
  }
  Result<Erased> erased = (*tree)->Erase(request.objects);
  if (!erased) {
    return std::unexpected(erased.error());
  }
  std::vector<ObjectId> ids;
  for (const ObjectRef& ref : erased->objects) {
    ids.push_back(ref.id);
  }
  Result<audit::Commitment> root = state_->custodian.CommitObjects(ticket.tenant, ids);
  if (!root) {
    return std::unexpected(root.error());
  }
  audit::Leaf leaf = ticket.base;
  leaf.type = audit::LeafType::kErasure;
  leaf.unix_ms = UnixMillis();
  leaf.count = static_cast<std::uint32_t>(ids.size());
  leaf.objects = *root;
  leaf.epoch = erased->epoch;
  Result<std::uint64_t> logged = state_->custodian.log().Append(leaf);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  Revoke revoke;
  revoke.objects = ids;
  std::vector<Push> pushes;
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [id, one] : state_->sessions) {
      if (one.tenant == ticket.tenant) {
        pushes.push_back(one.push);
      }
    }
  }
  for (const Push& push : pushes) {
    push(revoke);
  }
  EraseReply reply;
  reply.epoch = erased->epoch;
  reply.erased = std::move(erased->objects);
  reply.log_index = *logged;
  reply.caveat =
      "This rests on the token: a backup of the token from before brings the epoch key back. It "
      "says nothing about copies of the running machine's memory, or about what a keeper kept of "
      "keys that were released to it before.";
  return reply;
}

std::uint32_t ReleaseDesk::EndTicketsOf(const KeyId& key) {
  std::map<SessionId, Revoke> notices;
  const auto ended =
      state_->EndWhere([&key](const OpenTicket& ticket) { return ticket.key == key; });
  for (const auto& ticket : ended) {
    notices[ticket->session].tickets.push_back(ticket->id);
  }
  for (const auto& [session, revoke] : notices) {
    Push push;
    {
      const std::lock_guard lock(state_->mutex);
      if (const auto found = state_->sessions.find(session); found != state_->sessions.end()) {
        push = found->second.push;
      }
    }
    if (push) {
      push(revoke);
    }
  }
  for (const auto& ticket : ended) {
    (void)state_->Itemise(*ticket);
  }
  return static_cast<std::uint32_t>(ended.size());
}

void ReleaseDesk::Sweep() {
  const auto now = BootClock::now();
  std::vector<std::shared_ptr<OpenTicket>> all;
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [id, ticket] : state_->tickets) {
      all.push_back(ticket);
    }
  }
  for (const auto& ticket : all) {
    bool over = false;
    {
      const std::lock_guard lock(ticket->mutex);
      over = now >= ticket->ends;
    }
    if (over && state_->Take(ticket->id)) {
      if (Result<std::uint64_t> logged = state_->Itemise(*ticket); !logged) {
        LogError("a ticket that is over could not be logged", logged.error());
      }
    }
  }
}

std::uint32_t ReleaseDesk::open_tickets() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<std::uint32_t>(state_->tickets.size());
}

std::uint64_t ReleaseDesk::opened_keys() const { return state_->opened_keys; }

}  // namespace casemate::custody
