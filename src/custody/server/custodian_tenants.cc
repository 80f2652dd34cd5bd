#include <algorithm>

#include "base/clock.h"
#include "crypto/hash.h"
#include "custody/server/custodian_state.h"

// Tenants: made, suspended, resumed, removed.
namespace casemate::custody {
namespace {

constexpr std::size_t kMaxTenantName = 63;

bool IsTenantName(const std::string& name) {
  return !name.empty() && name.size() <= kMaxTenantName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::unexpected<Error> NoSuchTenant(const std::string& name) {
  return Fail(ErrorCode::kNotFound,
              "there is no tenant '" + name + "'; 'casemate tenant list' shows those there are");
}

Result<std::unique_ptr<KeyTree>> Custodian::State::MakeTenant(const std::string& name,
                                                              StateDocument& next) {
  TenantRecord tenant;
  tenant.id = crypto::RandomId<TenantId>();
  tenant.name = name;
  tenant.created = UnixSeconds();
  Result<std::unique_ptr<KeyTree>> tree = KeyTree::Make(*env, tenant.id);
  Result<NewEntry> object = FreshEntry(crypto::RandomId<ObjectId>(), policy::ObjectKind::kTenant);
  if (!tree || !object) {
    return std::unexpected(tree ? object.error() : tree.error());
  }
  tenant.tenant_object = {object->object.id, 0};
  std::vector<NewEntry> entries;
  entries.push_back(std::move(*object));
  if (Result<std::vector<std::uint32_t>> made = (*tree)->Create(std::move(entries)); !made) {
    return std::unexpected(made.error());
  }
  Result<PrincipalRecord> acting =
      MakePrincipal(**tree, kOperatorName, policy::kHighestLabel, next);
  if (!acting) {
    return std::unexpected(acting.error());
  }
  next.principals.back().is_operator = true;
  GrantEverything(*acting, next);
  tenant.operator_principal = acting->id;
  next.tenants.push_back(tenant);
  if (Result<void> anchored = (*tree)->Anchor(); !anchored) {
    return std::unexpected(anchored.error());
  }
  return tree;
}

Result<TenantCreateReply> Custodian::CreateTenant(const TenantCreate& request) {
  if (!IsTenantName(request.name)) {
    return Fail(ErrorCode::kInvalidArgument,
                "a tenant's name has 1 to 63 of the characters a-z, 0-9 and '-'");
  }
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  if (next.FindTenant(request.name) != nullptr) {
    return Fail(ErrorCode::kConflict, "there is a tenant of this name: " + request.name);
  }
  if (next.tenants.size() >= kMaxRecords) {
    return Fail(ErrorCode::kResourceExhausted, "too many tenants");
  }
  Result<std::unique_ptr<KeyTree>> tree = s.MakeTenant(request.name, next);
  if (!tree) {
    return std::unexpected(tree.error());
  }
  const TenantRecord tenant = next.tenants.back();
  {
    const std::unique_lock lock(s.mutex);
    s.trees.emplace(tenant.id, std::move(*tree));
  }
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  if (Result<std::uint64_t> logged =
          LogAbout(LeafOf(audit::LeafType::kTenantCreated), tenant, nullptr);
      !logged) {
    return std::unexpected(logged.error());
  }
  TenantCreateReply reply;
  reply.id = tenant.id;
  return reply;
}

Result<Custodian::Changed<TenantId>> Custodian::ChangeTenant(const TenantChange& request) {
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  const auto found = std::ranges::find(next.tenants, request.tenant, &TenantRecord::name);
  if (found == next.tenants.end()) {
    return NoSuchTenant(request.tenant);
  }
  if (found->suspended == request.suspended) {
    return Fail(ErrorCode::kConflict,
                "the tenant '" + request.tenant + "' is " +
                    (request.suspended ? "suspended already" : "not suspended"));
  }
  found->suspended = request.suspended;
  const TenantRecord tenant = *found;
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  Result<std::uint64_t> logged =
      LogAbout(LeafOf(request.suspended ? audit::LeafType::kTenantSuspended
                                        : audit::LeafType::kTenantResumed),
               tenant, nullptr);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  return Changed<TenantId>{tenant.id, *logged};
}

Result<TenantRemoveReply> Custodian::RemoveTenant(const TenantRemove& request) {
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  const auto found = std::ranges::find(next.tenants, request.tenant, &TenantRecord::name);
  if (found == next.tenants.end()) {
    return NoSuchTenant(request.tenant);
  }
  if (request.confirmation != request.tenant) {
    return Fail(ErrorCode::kInvalidArgument,
                "removing a tenant erases everything that it has; confirm it with the tenant's "
                "name: --confirm " +
                    request.tenant);
  }
  if (!found->suspended) {
    return Fail(ErrorCode::kConflict, "the tenant is not suspended");
  }
  const TenantRecord tenant = *found;
  Result<KeyTree*> tree = Tree(tenant.id);
  if (!tree) {
    return std::unexpected(tree.error());
  }
  TenantRemoveReply reply;
  reply.id = tenant.id;
  reply.objects = (*tree)->objects();
  // The entry while its salt is there; what follows cannot be taken back.
  audit::Leaf leaf = LeafOf(audit::LeafType::kTenantRemoved);
  leaf.count = static_cast<std::uint32_t>(reply.objects);
  Result<std::uint64_t> logged = LogAbout(std::move(leaf), tenant, nullptr);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  reply.log_index = *logged;
  std::erase_if(next.keys, [&](const KeyRecord& key) { return key.tenant == tenant.id; });
  std::erase_if(next.grants, [&](const GrantRecord& grant) {
    return next.FindPrincipal(grant.principal)->tenant == tenant.id;
  });
  std::erase_if(next.principals,
                [&](const PrincipalRecord& one) { return one.tenant == tenant.id; });
  std::erase_if(next.tenants, [&](const TenantRecord& one) { return one.id == tenant.id; });
  next.removed.push_back(tenant.id);
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  {
    const std::unique_lock lock(s.mutex);
    s.retired.push_back(std::move(s.trees.at(tenant.id)));
    s.trees.erase(tenant.id);
  }
  if (Result<void> destroyed = (*tree)->Destroy(); !destroyed) {
    return Wrap(destroyed.error(), "the removal is not complete; it goes on at the next start");
  }
  next = *state();
  std::erase(next.removed, tenant.id);
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  reply.caveat =
      "The tenant's epoch keys are destroyed in the token. A backup of the token from before "
      "brings "
      "them back; so does, with the PIN, an old copy of SoftHSM2's files.";
  return reply;
}

}  // namespace casemate::custody
