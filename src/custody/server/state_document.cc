#include "custody/server/state_document.h"

#include <algorithm>

namespace casemate::custody {
namespace {

std::unexpected<Error> Bad(const char* why) {
  return Fail(ErrorCode::kIntegrityFailure, "the custodian's state does not fit its format", why);
}

bool IsLabel(policy::Label label) { return label <= policy::kHighestLabel; }

template <typename Records, typename IdType>
auto* FindById(Records& records, const IdType& id) {
  const auto found = std::ranges::find(records, id, [](const auto& one) { return one.id; });
  return found == records.end() ? nullptr : &*found;
}

}  // namespace

const TenantRecord* StateDocument::FindTenant(const TenantId& id) const {
  return FindById(tenants, id);
}

const TenantRecord* StateDocument::FindTenant(const std::string& name) const {
  if (name.empty()) {
    return tenants.empty() ? nullptr : &tenants.front();
  }
  const auto found = std::ranges::find(tenants, name, &TenantRecord::name);
  return found == tenants.end() ? nullptr : &*found;
}

const PrincipalRecord* StateDocument::FindPrincipal(const PrincipalId& id) const {
  return FindById(principals, id);
}

const KeyRecord* StateDocument::FindKey(const KeyId& id) const { return FindById(keys, id); }

Plaintext WriteStateDocument(const StateDocument& state) { return ipc::Encode(state); }

Result<StateDocument> ReadStateDocument(PlaintextView text) {
  if (text.size() > StateDocument::kMaxBytes) {
    return Bad("too long");
  }
  Result<StateDocument> state = ipc::Decode<StateDocument>(text);
  if (!state) {
    return Fail(ErrorCode::kIntegrityFailure, "the custodian's state does not fit its format",
                state.error().message);
  }
  if (state->format != StateDocument::kFormat) {
    return Bad("a format of another version");
  }
  for (const PrincipalRecord& principal : state->principals) {
    if (!IsLabel(principal.ceiling) || state->FindTenant(principal.tenant) == nullptr) {
      return Bad("a principal");
    }
  }
  for (const TenantRecord& tenant : state->tenants) {
    if (tenant.id.is_none() || state->FindPrincipal(tenant.operator_principal) == nullptr) {
      return Bad("a tenant");
    }
  }
  for (const KeyRecord& key : state->keys) {
    if (!IsLabel(key.ceiling) || state->FindPrincipal(key.principal) == nullptr) {
      return Bad("a key");
    }
  }
  for (const GrantRecord& grant : state->grants) {
    if (!IsLabel(grant.ceiling) || state->FindPrincipal(grant.principal) == nullptr) {
      return Bad("a grant");
    }
  }
  return state;
}

}  // namespace casemate::custody
