#include "crypto/hash.h"
#include "custody/purpose_key.h"
#include "custody/server/release_desk_state.h"

// Opening and making objects under a ticket.
namespace casemate::custody {
namespace {

constexpr std::size_t kMaxObjectsPerCreate = 64;
constexpr std::size_t kMaxPurposesPerCreate = 4;

bool OfTenantObjectOnly(policy::Purpose purpose) {
  return purpose == policy::Purpose::kNameIndex || purpose == policy::Purpose::kChangeIndex;
}

}  // namespace

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
  ids.reserve(request.objects.size());
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

}  // namespace casemate::custody
