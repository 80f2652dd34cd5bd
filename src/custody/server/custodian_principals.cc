#include <algorithm>

#include "base/clock.h"
#include "crypto/hash.h"
#include "custody/server/custodian_state.h"

// Principals: made, listed, suspended, resumed, removed.
namespace casemate::custody {
namespace {

constexpr std::size_t kMaxPrincipalName = 128;

bool IsPrincipalName(const std::string& name) {
  return !name.empty() && name.size() <= kMaxPrincipalName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._@+-").contains(c);
  });
}

struct Found {
  TenantRecord tenant;
  PrincipalRecord principal;
};

// A principal that may be changed: not the one that the operator's socket acts as.
Result<Found> FindChangeable(const StateDocument& state, const std::string& tenant_name,
                             const std::string& name) {
  const TenantRecord* tenant = state.FindTenant(tenant_name);
  if (tenant == nullptr) {
    return NoSuchTenant(tenant_name);
  }
  const PrincipalRecord* principal = state.FindPrincipal(tenant->id, name);
  if (principal == nullptr) {
    return NoSuchPrincipal(name);
  }
  if (principal->is_operator) {
    return Fail(ErrorCode::kInvalidArgument,
                "the operator's principal is part of its tenant; suspend or remove the tenant");
  }
  return Found{*tenant, *principal};
}

}  // namespace

std::unexpected<Error> NoSuchPrincipal(const std::string& name) {
  return Fail(ErrorCode::kNotFound, "there is no principal '" + name +
                                        "' in this tenant; 'casemate principal list' shows those "
                                        "there are, 'casemate principal create' makes one");
}

Result<PrincipalRecord> Custodian::State::MakePrincipal(KeyTree& tree, std::string name,
                                                        policy::Label ceiling,
                                                        StateDocument& next) {
  PrincipalRecord principal;
  // The tag of what it will own must be nobody else's.
  const auto taken = [&next](const PrincipalRecord& fresh) {
    return fresh.owner_tag() == 0 ||
           std::ranges::any_of(next.principals, [&fresh](const PrincipalRecord& one) {
             return one.owner_tag() == fresh.owner_tag();
           });
  };
  do {
    principal.id = crypto::RandomId<PrincipalId>();
  } while (taken(principal));
  principal.name = name.empty() ? OwnPrincipalName(principal.id) : std::move(name);
  if (next.FindPrincipal(tree.tenant(), principal.name) != nullptr) {
    return Fail(ErrorCode::kConflict, "there is a principal of this name: " + principal.name);
  }
  if (next.principals.size() >= kMaxRecords) {
    return Fail(ErrorCode::kResourceExhausted, "too many principals");
  }
  Result<NewEntry> entry = FreshEntry(crypto::RandomId<ObjectId>(), policy::ObjectKind::kPrincipal);
  if (!entry) {
    return std::unexpected(entry.error());
  }
  principal.tenant = tree.tenant();
  principal.object.id = entry->object.id;
  principal.ceiling = policy::Lowest(ceiling, HighestLabel(next));
  principal.created = UnixSeconds();
  std::vector<NewEntry> entries;
  entries.push_back(std::move(*entry));
  Result<std::vector<std::uint32_t>> slots = tree.Create(std::move(entries));
  if (!slots) {
    return std::unexpected(slots.error());
  }
  principal.object.slot = slots->front();
  next.principals.push_back(principal);
  return principal;
}

Result<PrincipalCreateReply> Custodian::CreatePrincipal(const PrincipalCreate& request) {
  if (!IsPrincipalName(request.name)) {
    return Fail(ErrorCode::kInvalidArgument,
                "a principal's name has 1 to 128 of the characters a-z, A-Z, 0-9 and . _ @ + -");
  }
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  const TenantRecord* found = next.FindTenant(request.tenant);
  if (found == nullptr) {
    return NoSuchTenant(request.tenant);
  }
  const TenantRecord tenant = *found;
  Result<KeyTree*> tree = Tree(tenant.id);
  if (!tree) {
    return std::unexpected(tree.error());
  }
  Result<PrincipalRecord> principal = s.MakePrincipal(**tree, request.name, request.ceiling, next);
  if (!principal) {
    return std::unexpected(principal.error());
  }
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  audit::Leaf leaf = LeafOf(audit::LeafType::kPrincipalCreated);
  leaf.label = static_cast<std::uint8_t>(principal->ceiling);
  Result<std::uint64_t> logged = LogAbout(std::move(leaf), tenant, &*principal);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  return PrincipalCreateReply{principal->id, *logged};
}

Result<PrincipalListReply> Custodian::ListPrincipals(const PrincipalList& request) const {
  const std::shared_ptr<const StateDocument> document = state();
  if (!request.tenant.empty() && document->FindTenant(request.tenant) == nullptr) {
    return NoSuchTenant(request.tenant);
  }
  const std::int64_t now = UnixSeconds();
  PrincipalListReply reply;
  for (const PrincipalRecord& principal : document->principals) {
    const TenantRecord* tenant = document->FindTenant(principal.tenant);
    if (!request.tenant.empty() && tenant->name != request.tenant) {
      continue;
    }
    PrincipalEntry entry;
    entry.id = principal.id;
    entry.tenant = tenant->name;
    entry.name = principal.name;
    entry.ceiling = principal.ceiling;
    entry.is_operator = principal.is_operator;
    entry.suspended = principal.suspended;
    entry.created = principal.created;
    entry.keys =
        static_cast<std::uint32_t>(std::ranges::count_if(document->keys, [&](const KeyRecord& key) {
          return key.principal == principal.id && !key.revoked && !key.ExpiredAt(now);
        }));
    entry.grants = static_cast<std::uint32_t>(
        std::ranges::count(document->grants, principal.id, &GrantRecord::principal));
    reply.principals.push_back(std::move(entry));
  }
  return reply;
}

Result<Custodian::Changed<PrincipalId>> Custodian::ChangePrincipal(const PrincipalChange& request) {
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  Result<Found> found = FindChangeable(next, request.tenant, request.name);
  if (!found) {
    return std::unexpected(found.error());
  }
  if (found->principal.suspended == request.suspended) {
    return Fail(ErrorCode::kConflict,
                "the principal '" + request.name + "' is " +
                    (request.suspended ? "suspended already" : "not suspended"));
  }
  std::ranges::find(next.principals, found->principal.id, &PrincipalRecord::id)->suspended =
      request.suspended;
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  Result<std::uint64_t> logged =
      LogAbout(LeafOf(request.suspended ? audit::LeafType::kPrincipalSuspended
                                        : audit::LeafType::kPrincipalResumed),
               found->tenant, &found->principal);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  return Changed<PrincipalId>{found->principal.id, *logged};
}

Result<PrincipalRemoveReply> Custodian::RemovePrincipal(const PrincipalRemove& request) {
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  Result<Found> found = FindChangeable(next, request.tenant, request.name);
  if (!found) {
    return std::unexpected(found.error());
  }
  if (!request.no_mirror && !erasure_has_second_copy()) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "removing a principal erases its salt, and after an erasure no older copy of the key "
        "tree opens anything; this deployment has no second copy. Set custody.mirror to a "
        "folder on another disk, or accept the risk with --no-mirror");
  }
  Result<KeyTree*> tree = Tree(found->tenant.id);
  if (!tree) {
    return std::unexpected(tree.error());
  }
  // The entry while its salt is there. Absent after a crash in the middle of an earlier removal.
  audit::Leaf leaf = LeafOf(audit::LeafType::kPrincipalRemoved);
  if (Result<audit::Commitment> made = Commit(found->tenant.id, found->principal.object,
                                              kPrincipalField, found->principal.id.bytes())) {
    leaf.principal = *made;
  }
  Result<Erased> erased = (*tree)->Erase({&found->principal.object, 1});
  if (!erased) {
    return std::unexpected(erased.error());
  }
  leaf.epoch = erased->epoch;
  leaf.count = 1;
  const PrincipalId id = found->principal.id;
  std::erase_if(next.keys, [&id](const KeyRecord& key) { return key.principal == id; });
  std::erase_if(next.grants, [&id](const GrantRecord& grant) { return grant.principal == id; });
  std::erase_if(next.principals, [&id](const PrincipalRecord& one) { return one.id == id; });
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  Result<std::uint64_t> logged = LogAbout(std::move(leaf), found->tenant, nullptr);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  PrincipalRemoveReply reply;
  reply.epoch = erased->epoch;
  reply.log_index = *logged;
  reply.caveat =
      "The log's entries about this principal can no longer be told from those about others. A "
      "backup of the token from before the erasure, with an old key tree, undoes that.";
  return reply;
}

}  // namespace casemate::custody
