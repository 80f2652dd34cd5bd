#include <algorithm>

#include "crypto/hash.h"
#include "custody/server/state_document.h"

// What deployments were made with before principals had names. docs/formats/key_tree.md.
namespace casemate::custody {
namespace {

struct Tenant1 {
  TenantId id;
  std::string name;
  std::int64_t created = 0;
  ObjectRef tenant_object;
  PrincipalId operator_principal;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.name);
    v(m.created);
    v(m.tenant_object);
    v(m.operator_principal);
  }
};

struct Principal1 {
  PrincipalId id;
  TenantId tenant;
  ObjectRef object;
  policy::Label ceiling = policy::kLowestLabel;
  bool is_operator = false;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.tenant);
    v(m.object);
    v(m.ceiling);
    v(m.is_operator);
  }
};

struct Key1 {
  KeyId id;
  std::array<std::byte, 32> verifier{};
  TenantId tenant;
  PrincipalId principal;
  std::string name;
  policy::Label ceiling = policy::kLowestLabel;
  std::int64_t created = 0;
  bool revoked = false;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.verifier);
    v(m.tenant);
    v(m.principal);
    v(m.name);
    v(m.ceiling);
    v(m.created);
    v(m.revoked);
  }
};

struct Grant1 {
  PrincipalId principal;
  bool all_collections = false;
  CollectionId collection;
  policy::Label ceiling = policy::kLowestLabel;
  policy::ActionSet actions = 0;
  static void Fields(auto& m, auto& v) {
    v(m.principal);
    v(m.all_collections);
    v(m.collection);
    v(m.ceiling);
    v(m.actions);
  }
};

struct State1 {
  std::uint32_t format = 1;
  std::uint64_t revision = 0;
  Bytes certificate_der;
  Bytes authority_der;
  std::vector<Tenant1> tenants;
  std::vector<Principal1> principals;
  std::vector<Key1> keys;
  std::vector<Grant1> grants;
  std::vector<ModelEntry> models;
  static void Fields(auto& m, auto& v) {
    v(m.format);
    v(m.revision);
    v(m.certificate_der);
    v(m.authority_der);
    v(m.tenants);
    v(m.principals);
    v(m.keys);
    v(m.grants);
    v(m.models);
  }
};

// The same at every start, until the state is written again.
GrantId IdOf(const PrincipalId& principal, std::size_t place) {
  Bytes input(principal.bytes().begin(), principal.bytes().end());
  PutU64(input, place);
  const crypto::Digest digest = crypto::Sha256(input);
  GrantId::Array id;
  std::copy_n(digest.begin(), id.size(), id.begin());
  return GrantId(id);
}

}  // namespace

Result<StateDocument> ReadStateDocumentFormat1(PlaintextView text) {
  Result<State1> old = ipc::Decode<State1>(text);
  if (!old) {
    return std::unexpected(old.error());
  }
  StateDocument state;
  state.revision = old->revision;
  state.certificate_der = std::move(old->certificate_der);
  state.authority_der = std::move(old->authority_der);
  state.models = std::move(old->models);
  state.labels = policy::LabelOrder().names();
  for (Tenant1& tenant : old->tenants) {
    TenantRecord record;
    record.id = tenant.id;
    record.name = std::move(tenant.name);
    record.created = tenant.created;
    record.tenant_object = tenant.tenant_object;
    record.operator_principal = tenant.operator_principal;
    state.tenants.push_back(std::move(record));
  }
  for (const Principal1& principal : old->principals) {
    PrincipalRecord record;
    record.id = principal.id;
    record.tenant = principal.tenant;
    record.object = principal.object;
    record.ceiling = principal.ceiling;
    record.is_operator = principal.is_operator;
    // Each was made with one key; the names that were given then need not be different.
    record.name = principal.is_operator ? kOperatorName : OwnPrincipalName(principal.id);
    state.principals.push_back(std::move(record));
  }
  for (Key1& key : old->keys) {
    KeyRecord record;
    record.id = key.id;
    record.verifier = key.verifier;
    record.tenant = key.tenant;
    record.principal = key.principal;
    record.name = std::move(key.name);
    record.ceiling = key.ceiling;
    record.created = key.created;
    record.revoked = key.revoked;
    state.keys.push_back(std::move(record));
  }
  for (const Grant1& grant : old->grants) {
    GrantRecord record;
    record.principal = grant.principal;
    record.all_collections = grant.all_collections;
    record.collection = grant.collection;
    record.ceiling = grant.ceiling;
    record.actions = grant.actions;
    record.id = IdOf(grant.principal, state.grants.size());
    state.grants.push_back(record);
  }
  return state;
}

}  // namespace casemate::custody
