#include "crypto/hash.h"
#include "custody/purpose_key.h"
#include "custody/server/release_desk_state.h"

// Making objects under a ticket.
namespace casemate::custody {
namespace {

constexpr std::size_t kMaxObjectsPerCreate = 64;
constexpr std::size_t kMaxPurposesPerCreate = 4;

// What `object` is made from must be the ticket's to read, and no more confidential than it.
Result<void> CheckSource(const NewObject& object, KeyTree& tree, const OpenTicket& ticket) {
  const ObjectRef& source = object.sources.front();
  Result<std::vector<ObjectEntry>> entry = EntriesOf(tree, {&source, 1});
  if (!entry) {
    return std::unexpected(entry.error());
  }
  Result<Rule> rule = Scope(ticket, tree, entry->front(), source.slot, policy::Action::kRead);
  if (!rule) {
    return std::unexpected(rule.error());
  }
  if (*rule != Rule::kNone) {
    return Refuse(ErrorCode::kPermissionDenied, *rule,
                  "the ticket does not allow making something from this object");
  }
  if (object.label < entry->front().label) {
    return Refuse(ErrorCode::kPermissionDenied, Rule::kLabelBelowSource,
                  "a label below that of what it is made from");
  }
  return {};
}

Result<ObjectEntry> EntryFor(const NewObject& object, KeyTree& tree, const OpenTicket& ticket) {
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
  // A new collection is in no grant but those on all: whoever has none could not reach what it
  // made.
  const CollectionId place = object.kind == policy::ObjectKind::kCollection
                                 ? crypto::RandomId<CollectionId>()
                                 : object.collection;
  const std::optional<policy::Label> ceiling = CeilingFor(ticket, place, policy::Action::kSeal);
  if (!ceiling) {
    return Refuse(ErrorCode::kPermissionDenied, Rule::kObjectNotInScope,
                  "the collection is outside the ticket's scope");
  }
  if (object.label > *ceiling) {
    return Refuse(ErrorCode::kPermissionDenied, Rule::kLabelOverCeiling,
                  "a label above the ticket's ceiling");
  }
  ObjectEntry entry;
  entry.id = crypto::RandomId<ObjectId>();
  entry.collection = object.collection;
  entry.kind = object.kind;
  entry.label = object.label;
  entry.created = UnixSeconds();
  entry.owner = object.collection.is_none() ? ticket.owner_tag : 0;
  if (!object.sources.empty()) {
    entry.source = object.sources.front().slot;
    if (Result<void> good = CheckSource(object, tree, ticket); !good) {
      return std::unexpected(good.error());
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
      if (!entry && entry.error().code == ErrorCode::kPermissionDenied) {
        state_->LogRefusal(ticket.base, RuleOf(entry.error()), request.objects.size());
      }
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
