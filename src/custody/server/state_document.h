#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "custody/operator_messages.h"

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
  bool suspended = false;  // no ticket is given
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.name);
    v(m.created);
    v(m.tenant_object);
    v(m.operator_principal);
    v(m.suspended);
  }
};

struct PrincipalRecord {
  PrincipalId id;
  TenantId tenant;
  ObjectRef object;  // source of its salts
  policy::Label ceiling = policy::kHighestLabel;
  bool is_operator = false;  // acts through the operator's socket, without an API key
  std::string name;          // each once in its tenant
  std::int64_t created = 0;  // unix seconds; 0: not known
  bool suspended = false;
  // Stands in the entries of what it makes: 8 bytes of its id, never 0, each once.
  std::uint64_t owner_tag() const { return GetU64(id.bytes()); }
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.tenant);
    v(m.object);
    v(m.ceiling);
    v(m.is_operator);
    v(m.name);
    v(m.created);
    v(m.suspended);
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
  std::int64_t expires = 0;  // unix seconds; 0: never
  bool ExpiredAt(std::int64_t now) const { return expires != 0 && now >= expires; }
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.verifier);
    v(m.tenant);
    v(m.principal);
    v(m.name);
    v(m.ceiling);
    v(m.created);
    v(m.revoked);
    v(m.expires);
  }
};

// A principal may do `actions` on one collection, or on all of its tenant, up to `ceiling`.
struct GrantRecord {
  PrincipalId principal;
  bool all_collections = false;
  CollectionId collection;  // none when all_collections
  policy::Label ceiling = policy::kHighestLabel;
  policy::ActionSet actions = 0;
  GrantId id;
  std::int64_t created = 0;
  bool Covers(const CollectionId& one) const { return all_collections || collection == one; }
  static void Fields(auto& m, auto& v) {
    v(m.principal);
    v(m.all_collections);
    v(m.collection);
    v(m.ceiling);
    v(m.actions);
    v(m.id);
    v(m.created);
  }
};

struct StateDocument {
  static constexpr std::uint32_t kFormat = 2;
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
  std::vector<std::string> labels;  // the deployment's order, lowest first
  policy::Label default_label = policy::Label::kInternal;
  std::vector<TenantId> removed;  // whose keys in the token may not be destroyed yet
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
    v(m.labels);
    v(m.default_label);
    v(m.removed);
  }

  const TenantRecord* FindTenant(const TenantId& id) const;
  // Empty: the default one.
  const TenantRecord* FindTenant(const std::string& name) const;
  const PrincipalRecord* FindPrincipal(const PrincipalId& id) const;
  const PrincipalRecord* FindPrincipal(const TenantId& tenant, const std::string& name) const;
  const KeyRecord* FindKey(const KeyId& id) const;
};

// The name of the principal that acts through the operator's socket, and of one that was made with
// its only key.
inline constexpr const char* kOperatorName = "operator";
std::string OwnPrincipalName(const PrincipalId& id);  // "key-mfrggzdfmztwq2lk"

// Format 1 named no principals, labels or grants, and had no suspension. Used by ReadStateDocument
// alone: what is written is always the newest.
[[nodiscard]] Result<StateDocument> ReadStateDocumentFormat1(PlaintextView text);

Plaintext WriteStateDocument(const StateDocument& state);
// Reads format 1 too. Errors: kIntegrityFailure: another format, a value out of its range, a
// reference to nothing.
[[nodiscard]] Result<StateDocument> ReadStateDocument(PlaintextView text);

}  // namespace casemate::custody
