#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "custody/messages.h"

// What belongs to no tenant's keeper: tenants, principals, API keys, grants, models. One document,
// written with the codec of docs/formats/ipc.md, sealed, and its digest held by the system tenant's
// head. docs/formats/key_tree.md, "State document".
namespace casemate::custody {

struct TenantRecord {
  TenantId id;
  std::string name;
  std::int64_t created = 0;  // unix seconds
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

struct PrincipalRecord {
  PrincipalId id;
  TenantId tenant;
  ObjectRef object;  // source of its salts
  policy::Label ceiling = policy::kHighestLabel;
  bool is_operator = false;  // acts through the operator's socket, without an API key
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.tenant);
    v(m.object);
    v(m.ceiling);
    v(m.is_operator);
  }
};

struct KeyRecord {
  KeyId id;
  std::array<std::byte, 32> verifier{};  // SHA-256 of the secret part
  TenantId tenant;
  PrincipalId principal;
  std::string name;
  policy::Label ceiling = policy::kHighestLabel;
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

// A principal may do `actions` on one collection, or on all of its tenant, up to `ceiling`.
struct GrantRecord {
  PrincipalId principal;
  bool all_collections = false;
  CollectionId collection;  // none when all_collections
  policy::Label ceiling = policy::kHighestLabel;
  policy::ActionSet actions = 0;
  static void Fields(auto& m, auto& v) {
    v(m.principal);
    v(m.all_collections);
    v(m.collection);
    v(m.ceiling);
    v(m.actions);
  }
};

struct StateDocument {
  static constexpr std::uint32_t kFormat = 1;
  static constexpr std::size_t kMaxBytes = std::size_t{64} * 1024 * 1024;

  std::uint32_t format = kFormat;
  std::uint64_t revision = 0;
  Bytes certificate_der;
  Bytes authority_der;
  std::vector<TenantRecord> tenants;  // the first is the default one
  std::vector<PrincipalRecord> principals;
  std::vector<KeyRecord> keys;
  std::vector<GrantRecord> grants;
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

  const TenantRecord* FindTenant(const TenantId& id) const;
  // Empty: the default one.
  const TenantRecord* FindTenant(const std::string& name) const;
  const PrincipalRecord* FindPrincipal(const PrincipalId& id) const;
  const KeyRecord* FindKey(const KeyId& id) const;
};

Plaintext WriteStateDocument(const StateDocument& state);
// Errors: kIntegrityFailure: not this format, a value out of its range, a reference to nothing.
[[nodiscard]] Result<StateDocument> ReadStateDocument(PlaintextView text);

}  // namespace casemate::custody
