#include "custody/client/fake_release_client.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "crypto/hash.h"
#include "custody/client/lease_state.h"
#include "custody/purpose_key.h"

namespace casemate::custody {
namespace {

struct FakeObject {
  ObjectId id;
  NewObject made;
  Key secret;
  TicketId maker;
  bool erased = false;
};

struct FakeTicket {
  TicketRequest request;
  BootClock::time_point ends;
  std::weak_ptr<Ticket::State> state;
  std::uint32_t opened = 0;
};

constexpr std::chrono::hours kFakeLease{1};

// As the custodian: a collection's own object is in that collection.
CollectionId HomeOf(const FakeObject& object) {
  return object.made.kind == policy::ObjectKind::kCollection ? As<CollectionId>(object.id)
                                                             : object.made.collection;
}

bool Reaches(const TicketRequest& request, const CollectionId& home) {
  return home.is_none() || request.all_collections ||
         std::ranges::find(request.collections, home) != request.collections.end();
}

Result<void> MayOpen(const TicketRequest& request, const FakeObject& object, const TicketId& ticket,
                     policy::Purpose purpose) {
  const bool own = policy::Allows(request.actions, policy::Action::kSeal) && object.maker == ticket;
  const policy::Action action = policy::ActionFor(purpose);
  if (own) {
    return {};
  }
  if (!policy::Allows(request.actions, action) &&
      !(action == policy::Action::kSearch &&
        policy::Allows(request.actions, policy::Action::kIndex))) {
    return Fail(ErrorCode::kPermissionDenied, "the ticket's actions do not open this purpose");
  }
  if (!Reaches(request, HomeOf(object))) {
    return Fail(ErrorCode::kPermissionDenied, "the object's collection is outside the ticket",
                std::string(policy::RuleName(policy::Rule::kObjectNotInScope)));
  }
  if (object.made.label > request.label) {
    return Fail(ErrorCode::kPermissionDenied, "the object's label is above the ticket's",
                std::string(policy::RuleName(policy::Rule::kLabelOverCeiling)));
  }
  return {};
}

}  // namespace

struct FakeReleaseClient::State {
  mutable std::mutex mutex;  // guards all below
  TenantId tenant = crypto::RandomId<TenantId>();
  PrincipalId principal = crypto::RandomId<PrincipalId>();
  ObjectRef tenant_object;
  std::deque<FakeObject> objects;  // slot is the index
  std::unordered_map<TicketId, FakeTicket> tickets;
  bool revoked = false;
  bool needs_no_mirror = false;
  bool unavailable = false;
  std::uint64_t opened = 0;
  std::uint64_t log_size = 0;
  std::uint64_t epoch = 1;

  Result<void> Reachable() const {
    if (unavailable) {
      return Fail(ErrorCode::kUnavailable, "the custodian cannot be reached");
    }
    return {};
  }

  Result<FakeTicket*> Find(const Ticket& ticket) {
    const auto found = tickets.find(ticket.id());
    if (found == tickets.end() || ticket.over()) {
      return Fail(ErrorCode::kDeadlineExceeded, "the ticket is over");
    }
    return &found->second;
  }

  Result<FakeObject*> Find(const ObjectRef& ref) {
    if (ref.slot >= objects.size() || objects[ref.slot].id != ref.id || objects[ref.slot].erased) {
      return Fail(ErrorCode::kNotFound, "no such object, or it was erased", ref.id.ToString());
    }
    return &objects[ref.slot];
  }

  Result<Lease> Lend(const Ticket& ticket, const FakeObject& object, policy::Purpose purpose) {
    Result<Key> key = DerivePurposeKey(object.secret, purpose, tenant, object.id, 1);
    if (!key) {
      return std::unexpected(key.error());
    }
    auto lent = std::make_shared<Lease::State>(std::move(*key), object.id, object.made.label,
                                               BootClock::now() + kFakeLease);
    Lease lease(lent);
    if (Result<void> added = ticket.state()->Add(lent); !added) {
      return std::unexpected(added.error());
    }
    ++opened;
    return lease;
  }

  Result<ObjectRef> Make(NewObject made, const TicketId& maker) {
    Result<Key> secret = Key::Random();
    if (!secret) {
      return std::unexpected(secret.error());
    }
    const ObjectRef ref{crypto::RandomId<ObjectId>(), static_cast<std::uint32_t>(objects.size())};
    objects.push_back({ref.id, std::move(made), std::move(*secret), maker});
    return ref;
  }
};

FakeReleaseClient::FakeReleaseClient() : state_(std::make_shared<State>()) {
  NewObject tenant_object;
  tenant_object.kind = policy::ObjectKind::kTenant;
  if (Result<ObjectRef> made = state_->Make(std::move(tenant_object), TicketId())) {
    state_->tenant_object = *made;
  }
}

FakeReleaseClient::~FakeReleaseClient() = default;

const TenantId& FakeReleaseClient::tenant() const { return state_->tenant; }
const PrincipalId& FakeReleaseClient::principal() const { return state_->principal; }
const ObjectRef& FakeReleaseClient::tenant_object() const { return state_->tenant_object; }

Result<Ticket> FakeReleaseClient::Request(const TicketRequest& request) {
  const std::lock_guard lock(state_->mutex);
  if (Result<void> reachable = state_->Reachable(); !reachable) {
    return std::unexpected(reachable.error());
  }
  if (request.duration_ms == 0 || request.duration_ms > 3'600'000) {
    return Fail(ErrorCode::kInvalidArgument, "duration of 0 ms or over an hour");
  }
  if (state_->revoked || request.principal != state_->principal) {
    return Fail(ErrorCode::kPermissionDenied, "the principal is unknown or revoked");
  }
  if (!policy::AllowedByDefault(request.justification)) {
    return Fail(ErrorCode::kPermissionDenied, "policy does not allow this justification");
  }
  TicketReply reply;
  reply.ticket = crypto::RandomId<TicketId>();
  reply.expires_in_ms = request.duration_ms;
  reply.ceiling = request.label;
  reply.log_index = state_->log_size++;
  reply.every_collection = request.all_collections;
  reply.every_ceiling = request.label;
  for (const CollectionId& collection : request.collections) {
    reply.collections.push_back({collection, request.label});
  }
  const auto ends = BootClock::now() + std::chrono::milliseconds(request.duration_ms);
  auto ticket = std::make_shared<Ticket::State>(reply, ends,
                                                [weak = std::weak_ptr(state_)](const TicketId& id) {
                                                  if (const auto state = weak.lock()) {
                                                    const std::lock_guard guard(state->mutex);
                                                    state->tickets.erase(id);
                                                  }
                                                });
  state_->tickets.emplace(reply.ticket, FakeTicket{request, ends, ticket});
  return Ticket(std::move(ticket));
}

Result<std::vector<Lease>> FakeReleaseClient::Open(const Ticket& ticket, policy::Purpose purpose,
                                                   std::span<const ObjectRef> objects) {
  const std::lock_guard lock(state_->mutex);
  if (Result<void> reachable = state_->Reachable(); !reachable) {
    return std::unexpected(reachable.error());
  }
  if (objects.empty() || objects.size() > kMaxObjectsPerRelease) {
    return Fail(ErrorCode::kInvalidArgument, "expected 1 to 1024 objects");
  }
  Result<FakeTicket*> open = state_->Find(ticket);
  if (!open) {
    return std::unexpected(open.error());
  }
  const TicketRequest& request = (*open)->request;
  std::vector<FakeObject*> found;
  for (const ObjectRef& ref : objects) {
    Result<FakeObject*> object = state_->Find(ref);
    if (!object) {
      return std::unexpected(object.error());
    }
    if (Result<void> allowed = MayOpen(request, **object, ticket.id(), purpose); !allowed) {
      return std::unexpected(allowed.error());
    }
    found.push_back(*object);
  }
  if (request.max_objects < (*open)->opened + objects.size()) {
    return Fail(ErrorCode::kPermissionDenied, "more objects than the ticket allows");
  }
  std::vector<Lease> leases;
  for (const FakeObject* object : found) {
    Result<Lease> lease = state_->Lend(ticket, *object, purpose);
    if (!lease) {
      return std::unexpected(lease.error());
    }
    leases.push_back(std::move(*lease));
  }
  (*open)->opened += static_cast<std::uint32_t>(objects.size());
  return leases;
}

Result<std::vector<Reach>> FakeReleaseClient::Filter(const Ticket& ticket, policy::Purpose purpose,
                                                     std::span<const ObjectRef> objects) {
  const std::lock_guard lock(state_->mutex);
  if (Result<void> reachable = state_->Reachable(); !reachable) {
    return std::unexpected(reachable.error());
  }
  Result<FakeTicket*> open = state_->Find(ticket);
  if (!open) {
    return std::unexpected(open.error());
  }
  std::vector<Reach> reaches;
  for (const ObjectRef& ref : objects) {
    Result<FakeObject*> object = state_->Find(ref);
    Result<void> may = object ? MayOpen((*open)->request, **object, ticket.id(), purpose)
                              : std::unexpected(object.error());
    const bool elsewhere =
        !may && may.error().detail == policy::RuleName(policy::Rule::kObjectNotInScope);
    reaches.push_back(may ? Reach::kOpens : elsewhere ? Reach::kElsewhere : Reach::kHidden);
  }
  return reaches;
}

Result<std::vector<Created>> FakeReleaseClient::Create(const Ticket& ticket,
                                                       std::vector<NewObject> objects,
                                                       std::span<const policy::Purpose> purposes) {
  const std::lock_guard lock(state_->mutex);
  if (Result<void> reachable = state_->Reachable(); !reachable) {
    return std::unexpected(reachable.error());
  }
  Result<FakeTicket*> open = state_->Find(ticket);
  if (!open) {
    return std::unexpected(open.error());
  }
  if (objects.empty() || objects.size() > 64 || purposes.empty() || purposes.size() > 4) {
    return Fail(ErrorCode::kInvalidArgument, "expected 1 to 64 objects and 1 to 4 purposes");
  }
  if (!policy::Allows((*open)->request.actions, policy::Action::kSeal)) {
    return Fail(ErrorCode::kPermissionDenied, "the ticket does not allow making objects");
  }
  for (const NewObject& object : objects) {
    if (object.label > (*open)->request.label) {
      return Fail(ErrorCode::kPermissionDenied, "a label above the ticket's");
    }
    if (!Reaches((*open)->request, object.collection)) {
      return Fail(ErrorCode::kPermissionDenied, "the collection is outside the ticket");
    }
    for (const ObjectRef& source : object.sources) {
      Result<FakeObject*> found = state_->Find(source);
      if (!found) {
        return std::unexpected(found.error());
      }
      if (object.label < (*found)->made.label) {
        return Fail(ErrorCode::kPermissionDenied, "a label below that of what it is made from");
      }
    }
  }
  std::vector<Created> created;
  for (NewObject& object : objects) {
    Result<ObjectRef> ref = state_->Make(std::move(object), ticket.id());
    if (!ref) {
      return std::unexpected(ref.error());
    }
    Created one{*ref, {}};
    for (const policy::Purpose purpose : purposes) {
      Result<Lease> lease = state_->Lend(ticket, state_->objects[ref->slot], purpose);
      if (!lease) {
        return std::unexpected(lease.error());
      }
      one.leases.push_back(std::move(*lease));
    }
    created.push_back(std::move(one));
  }
  return created;
}

Result<EraseReply> FakeReleaseClient::Erase(const Ticket& ticket,
                                            std::span<const ObjectRef> objects, bool no_mirror) {
  const std::lock_guard lock(state_->mutex);
  if (Result<void> reachable = state_->Reachable(); !reachable) {
    return std::unexpected(reachable.error());
  }
  Result<FakeTicket*> open = state_->Find(ticket);
  if (!open) {
    return std::unexpected(open.error());
  }
  if (!policy::Allows((*open)->request.actions, policy::Action::kErase)) {
    return Fail(ErrorCode::kPermissionDenied, "the ticket does not allow erasing");
  }
  if (state_->needs_no_mirror && !no_mirror) {
    return Fail(ErrorCode::kInvalidArgument,
                "there is no mirror: set custody.mirror, or accept with --no-mirror");
  }
  std::unordered_set<std::uint32_t> dead;
  for (const ObjectRef& ref : objects) {
    Result<FakeObject*> object = state_->Find(ref);
    if (!object) {
      return std::unexpected(object.error());
    }
    dead.insert(ref.slot);
  }
  // A source always has a lower slot than what was made from it: one pass finds all descendants.
  for (std::uint32_t slot = 0; slot < state_->objects.size(); ++slot) {
    for (const ObjectRef& source : state_->objects[slot].made.sources) {
      if (dead.contains(source.slot)) {
        dead.insert(slot);
      }
    }
  }
  EraseReply reply;
  std::unordered_set<ObjectId> ids;
  for (std::uint32_t slot = 0; slot < state_->objects.size(); ++slot) {
    if (dead.contains(slot) && !state_->objects[slot].erased) {
      state_->objects[slot].erased = true;
      Wipe(state_->objects[slot].secret.mutable_bytes());
      reply.erased.push_back({state_->objects[slot].id, slot});
      ids.insert(state_->objects[slot].id);
    }
  }
  for (const auto& [id, open_ticket] : state_->tickets) {
    if (const auto alive = open_ticket.state.lock()) {
      alive->WipeObjects(ids);
    }
  }
  reply.epoch = ++state_->epoch;
  reply.log_index = state_->log_size++;
  reply.caveat = "a test's custodian in memory";
  return reply;
}

Result<CloseTicketReply> FakeReleaseClient::Close(Ticket ticket) {
  ticket.state()->closed = true;
  ticket.state()->End(false);
  const std::lock_guard lock(state_->mutex);
  if (Result<void> reachable = state_->Reachable(); !reachable) {
    return std::unexpected(reachable.error());
  }
  const auto found = state_->tickets.find(ticket.id());
  if (found == state_->tickets.end()) {
    return Fail(ErrorCode::kDeadlineExceeded, "the ticket is over");
  }
  CloseTicketReply reply{found->second.opened, state_->log_size++};
  state_->tickets.erase(found);
  return reply;
}

Result<CloseForReceiptReply> FakeReleaseClient::CloseWithReceipt(const CloseForReceipt& request) {
  const std::lock_guard lock(state_->mutex);
  if (Result<void> reachable = state_->Reachable(); !reachable) {
    return std::unexpected(reachable.error());
  }
  if (state_->tickets.erase(request.ticket) == 0) {
    return Fail(ErrorCode::kDeadlineExceeded, "the ticket is over");
  }
  ++state_->log_size;
  return CloseForReceiptReply{"casemate/receipt/custodian@v1\n" + request.ticket.ToString() + "\n"};
}

void FakeReleaseClient::RevokePrincipal() {
  std::vector<std::shared_ptr<Ticket::State>> ending;
  {
    const std::lock_guard lock(state_->mutex);
    state_->revoked = true;
    for (const auto& [id, ticket] : state_->tickets) {
      if (auto state = ticket.state.lock()) {
        ending.push_back(std::move(state));
      }
    }
    state_->tickets.clear();
  }
  for (const auto& state : ending) {
    state->End(true);
  }
}

void FakeReleaseClient::RequireNoMirror() {
  const std::lock_guard lock(state_->mutex);
  state_->needs_no_mirror = true;
}

void FakeReleaseClient::SetUnavailable(bool unavailable) {
  const std::lock_guard lock(state_->mutex);
  state_->unavailable = unavailable;
}

std::uint64_t FakeReleaseClient::objects_opened() const {
  const std::lock_guard lock(state_->mutex);
  return state_->opened;
}

}  // namespace casemate::custody
