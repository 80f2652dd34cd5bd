#include <algorithm>

#include "base/clock.h"
#include "crypto/hash.h"
#include "custody/server/custodian_state.h"

// Grants: who may do what in which collection, up to which label.
namespace casemate::custody {
namespace {

constexpr std::ptrdiff_t kMaxGrantsOfOne = 1024;  // bounds what a ticket carries

}  // namespace

void GrantEverything(const PrincipalRecord& principal, StateDocument& next) {
  GrantRecord grant;
  grant.principal = principal.id;
  grant.all_collections = true;
  grant.ceiling = principal.ceiling;
  grant.actions = policy::kEveryAction;
  grant.id = crypto::RandomId<GrantId>();
  grant.created = UnixSeconds();
  next.grants.push_back(grant);
}

Result<Custodian::Granted> Custodian::AddGrant(const GrantAdd& request) {
  if (request.actions == 0 || (request.actions & ~policy::kEveryAction) != 0 ||
      request.all_collections != request.collection.is_none()) {
    return Fail(ErrorCode::kInvalidArgument,
                "a grant needs at least one action, and one collection or all");
  }
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  const TenantRecord* found = next.FindTenant(request.tenant);
  if (found == nullptr) {
    return NoSuchTenant(request.tenant);
  }
  const TenantRecord tenant = *found;
  const PrincipalRecord* named = next.FindPrincipal(tenant.id, request.principal);
  if (named == nullptr) {
    return NoSuchPrincipal(request.principal);
  }
  if (named->is_operator) {
    return Fail(ErrorCode::kInvalidArgument,
                "the operator's principal has everything of its tenant; nothing to grant");
  }
  const PrincipalRecord principal = *named;
  GrantRecord grant;
  grant.principal = principal.id;
  grant.all_collections = request.all_collections;
  grant.collection = request.collection;
  grant.ceiling = policy::Lowest(request.ceiling, s.HighestLabel(next));
  grant.actions = request.actions;
  grant.id = crypto::RandomId<GrantId>();
  grant.created = UnixSeconds();
  Granted granted;
  const auto same = std::ranges::find_if(next.grants, [&grant](const GrantRecord& one) {
    return one.principal == grant.principal && one.all_collections == grant.all_collections &&
           one.collection == grant.collection;
  });
  if (same != next.grants.end()) {
    granted.replaced = same->id;
    *same = grant;
  } else if (next.grants.size() >= kMaxRecords ||
             std::ranges::count(next.grants, principal.id, &GrantRecord::principal) >=
                 kMaxGrantsOfOne) {
    return Fail(ErrorCode::kResourceExhausted, "too many grants: at most 1024 of one principal");
  } else {
    next.grants.push_back(grant);
  }
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  audit::Leaf leaf = LeafOf(audit::LeafType::kGrantAdded);
  leaf.label = static_cast<std::uint8_t>(grant.ceiling);
  leaf.actions = grant.actions;
  // Which collection, for whoever is shown the principal's salt; zeros: all.
  if (!grant.all_collections) {
    Result<audit::Commitment> collection =
        Commit(tenant.id, principal.object, kGrantField, grant.collection.bytes());
    if (!collection) {
      return std::unexpected(collection.error());
    }
    leaf.objects = *collection;
  }
  Result<std::uint64_t> logged = LogAbout(std::move(leaf), tenant, &principal);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  granted.reply.id = grant.id;
  granted.reply.replaced = !granted.replaced.is_none();
  granted.reply.log_index = *logged;
  return granted;
}

Result<std::uint64_t> Custodian::RemoveGrant(const GrantId& id) {
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  const auto found = std::ranges::find(next.grants, id, &GrantRecord::id);
  if (found == next.grants.end()) {
    return Fail(ErrorCode::kNotFound, "there is no such grant: " + id.ToString() +
                                          "; 'casemate grant list' shows those there are");
  }
  const GrantRecord grant = *found;
  const PrincipalRecord principal = *next.FindPrincipal(grant.principal);
  if (principal.is_operator) {
    return Fail(ErrorCode::kInvalidArgument, "the operator's grant is part of its tenant");
  }
  const TenantRecord tenant = *next.FindTenant(principal.tenant);
  next.grants.erase(found);
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  audit::Leaf leaf = LeafOf(audit::LeafType::kGrantRemoved);
  leaf.label = static_cast<std::uint8_t>(grant.ceiling);
  leaf.actions = grant.actions;
  if (!grant.all_collections) {
    if (Result<audit::Commitment> collection =
            Commit(tenant.id, principal.object, kGrantField, grant.collection.bytes())) {
      leaf.objects = *collection;
    }
  }
  return LogAbout(std::move(leaf), tenant, &principal);
}

Result<GrantListReply> Custodian::ListGrants(const GrantList& request) const {
  const std::shared_ptr<const StateDocument> document = state();
  if (!request.tenant.empty() && document->FindTenant(request.tenant) == nullptr) {
    return NoSuchTenant(request.tenant);
  }
  GrantListReply reply;
  for (const GrantRecord& grant : document->grants) {
    const PrincipalRecord* principal = document->FindPrincipal(grant.principal);
    const TenantRecord* tenant = document->FindTenant(principal->tenant);
    if ((!request.tenant.empty() && tenant->name != request.tenant) ||
        (!request.principal.empty() && principal->name != request.principal)) {
      continue;
    }
    GrantEntry entry;
    entry.id = grant.id;
    entry.tenant = tenant->name;
    entry.principal = principal->name;
    entry.all_collections = grant.all_collections;
    entry.collection = grant.collection;
    entry.actions = grant.actions;
    entry.ceiling = grant.ceiling;
    entry.created = grant.created;
    reply.grants.push_back(std::move(entry));
  }
  return reply;
}

}  // namespace casemate::custody
