#include "custody/server/state_document.h"

#include <algorithm>

namespace casemate::custody {
namespace {

std::unexpected<Error> Bad(const char* why) {
  return Fail(ErrorCode::kIntegrityFailure, "the custodian's state does not fit its format", why);
}

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

const PrincipalRecord* StateDocument::FindPrincipal(const TenantId& tenant,
                                                    const std::string& name) const {
  const auto found = std::ranges::find_if(principals, [&](const PrincipalRecord& one) {
    return one.tenant == tenant && one.name == name;
  });
  return found == principals.end() ? nullptr : &*found;
}

const KeyRecord* StateDocument::FindKey(const KeyId& id) const { return FindById(keys, id); }

std::string OwnPrincipalName(const PrincipalId& id) {
  return "key-" + ToBase32(id.bytes()).substr(0, 16);
}

Plaintext WriteStateDocument(const StateDocument& state) { return ipc::Encode(state); }

Result<StateDocument> ReadStateDocument(PlaintextView text) {
  if (text.size() > StateDocument::kMaxBytes) {
    return Bad("too long");
  }
  Result<StateDocument> state = text.size() >= 4 && GetU32(text.RevealBytes()) == 1
                                    ? ReadStateDocumentFormat1(text)
                                    : ipc::Decode<StateDocument>(text);
  if (!state) {
    return Fail(ErrorCode::kIntegrityFailure, "the custodian's state does not fit its format",
                state.error().message);
  }
  if (state->format != StateDocument::kFormat) {
    return Bad("a format of another version");
  }
  const Result<policy::LabelOrder> labels = policy::LabelOrder::Of(state->labels);
  if (!labels || state->default_label > labels->highest()) {
    return Bad("the labels");
  }
  for (const PrincipalRecord& principal : state->principals) {
    if (principal.ceiling > labels->highest() || state->FindTenant(principal.tenant) == nullptr) {
      return Bad("a principal");
    }
  }
  for (const TenantRecord& tenant : state->tenants) {
    if (tenant.id.is_none() || state->FindPrincipal(tenant.operator_principal) == nullptr) {
      return Bad("a tenant");
    }
  }
  for (const KeyRecord& key : state->keys) {
    if (key.ceiling > labels->highest() || state->FindPrincipal(key.principal) == nullptr) {
      return Bad("a key");
    }
  }
  for (const GrantRecord& grant : state->grants) {
    if (grant.ceiling > labels->highest() || state->FindPrincipal(grant.principal) == nullptr ||
        grant.id.is_none() || grant.all_collections != grant.collection.is_none()) {
      return Bad("a grant");
    }
  }
  return state;
}

}  // namespace casemate::custody
