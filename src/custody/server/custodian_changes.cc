#include <algorithm>

#include "base/clock.h"
#include "crypto/hash.h"
#include "custody/server/custodian_state.h"

// What the operator changes: tenants, keys, models. Each change is sealed and durable before its
// entry of the log is.
namespace casemate::custody {
namespace {

constexpr std::size_t kMaxName = 256;  // bytes of a key's or model's name
constexpr std::size_t kMaxTenantName = 63;
constexpr std::size_t kMaxRecords = 100'000;  // tenants, keys or models
constexpr policy::ActionSet kEveryAction = policy::Action::kList | policy::Action::kRead |
                                           policy::Action::kSearch | policy::Action::kSeal |
                                           policy::Action::kErase | policy::Action::kIndex;

bool IsTenantName(const std::string& name) {
  return !name.empty() && name.size() <= kMaxTenantName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

Result<void> Custodian::State::SaveState(StateDocument next) {
  ++next.revision;
  Result<Bytes> sealed = SealDocument(SystemObject::kState, kStateName, WriteStateDocument(next));
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  if (Result<void> put = system->PutState(kStateName, std::move(*sealed)); !put) {
    return put;
  }
  const std::unique_lock lock(mutex);
  document = std::make_shared<const StateDocument>(std::move(next));
  return {};
}

Result<PrincipalRecord> Custodian::State::MakePrincipal(KeyTree& tree, policy::Label ceiling,
                                                        bool is_operator, StateDocument& next) {
  Result<NewEntry> entry = FreshEntry(crypto::RandomId<ObjectId>(), policy::ObjectKind::kPrincipal);
  if (!entry) {
    return std::unexpected(entry.error());
  }
  PrincipalRecord principal;
  principal.id = crypto::RandomId<PrincipalId>();
  principal.tenant = tree.tenant();
  principal.object.id = entry->object.id;
  principal.ceiling = ceiling;
  principal.is_operator = is_operator;
  std::vector<NewEntry> entries;
  entries.push_back(std::move(*entry));
  Result<std::vector<std::uint32_t>> slots = tree.Create(std::move(entries));
  if (!slots) {
    return std::unexpected(slots.error());
  }
  principal.object.slot = slots->front();
  next.principals.push_back(principal);
  GrantRecord grant;
  grant.principal = principal.id;
  grant.all_collections = true;
  grant.ceiling = ceiling;
  grant.actions = kEveryAction;
  next.grants.push_back(grant);
  return principal;
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
  Result<PrincipalRecord> acting = MakePrincipal(**tree, policy::kHighestLabel, true, next);
  if (!acting) {
    return std::unexpected(acting.error());
  }
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
  TenantCreateReply reply;
  reply.id = next.tenants.back().id;
  {
    const std::unique_lock lock(s.mutex);
    s.trees.emplace(reply.id, std::move(*tree));
  }
  const ObjectRef tenant_object = next.tenants.back().tenant_object;
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  audit::Leaf leaf = LeafOf(audit::LeafType::kTenantCreated);
  if (Result<audit::Commitment> tenant =
          Commit(reply.id, tenant_object, kTenantField, reply.id.bytes())) {
    leaf.tenant = *tenant;
  }
  if (Result<std::uint64_t> logged = s.log->Append(leaf); !logged) {
    return std::unexpected(logged.error());
  }
  return reply;
}

Result<KeyCreateReply> Custodian::CreateKey(const KeyCreate& request) {
  State& s = *state_;
  if (request.name.size() > kMaxName || request.ceiling > policy::kHighestLabel) {
    return Fail(ErrorCode::kInvalidArgument, "a key's name has at most 256 bytes");
  }
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  const TenantRecord* found = next.FindTenant(request.tenant);
  if (found == nullptr) {
    return Fail(ErrorCode::kNotFound, "there is no tenant of this name: " + request.tenant);
  }
  if (next.keys.size() >= kMaxRecords) {
    return Fail(ErrorCode::kResourceExhausted, "too many keys");
  }
  const TenantRecord tenant = *found;
  Result<KeyTree*> tree = Tree(tenant.id);
  Result<Key> secret = Key::Random();
  if (!tree || !secret) {
    return std::unexpected(tree ? secret.error() : tree.error());
  }
  Result<PrincipalRecord> principal = s.MakePrincipal(**tree, request.ceiling, false, next);
  if (!principal) {
    return std::unexpected(principal.error());
  }
  KeyRecord key;
  key.id = crypto::RandomId<KeyId>();
  key.verifier = crypto::Sha256(secret->view().RevealKey());
  key.tenant = tenant.id;
  key.principal = principal->id;
  key.name = request.name;
  key.ceiling = request.ceiling;
  key.created = UnixSeconds();
  next.keys.push_back(key);
  KeyCreateReply reply;
  reply.id = key.id;
  reply.principal = principal->id;
  reply.key.AppendLiteral("cm-" + ToBase32(key.id.bytes()) + "-");
  // ToBase32 is for public bytes; what it returns here is wiped at once.
  std::string digits = ToBase32(secret->view().RevealKey());
  reply.key.Append(PlaintextView::Of(std::string_view(digits)));
  Wipe(std::as_writable_bytes(std::span(digits)));
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  audit::Leaf leaf = LeafOf(audit::LeafType::kKeyCreated);
  leaf.label = static_cast<std::uint8_t>(request.ceiling);
  Result<audit::Commitment> tenant_commitment =
      Commit(tenant.id, tenant.tenant_object, kTenantField, tenant.id.bytes());
  Result<audit::Commitment> principal_commitment =
      Commit(tenant.id, principal->object, kPrincipalField, principal->id.bytes());
  if (!tenant_commitment || !principal_commitment) {
    return Fail(ErrorCode::kUnavailable, "the audit entry cannot be made");
  }
  leaf.tenant = *tenant_commitment;
  leaf.principal = *principal_commitment;
  if (Result<std::uint64_t> logged = s.log->Append(leaf); !logged) {
    return std::unexpected(logged.error());
  }
  return reply;
}

Result<std::uint64_t> Custodian::RevokeKey(const KeyId& id) {
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  const auto key = std::ranges::find(next.keys, id, &KeyRecord::id);
  if (key == next.keys.end()) {
    return Fail(ErrorCode::kNotFound, "there is no such key: " + id.ToString());
  }
  if (key->revoked) {
    return Fail(ErrorCode::kConflict, "this key was revoked before: " + id.ToString());
  }
  key->revoked = true;
  const PrincipalRecord principal = *next.FindPrincipal(key->principal);
  const TenantRecord tenant = *next.FindTenant(principal.tenant);
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  audit::Leaf leaf = LeafOf(audit::LeafType::kKeyRevoked);
  if (Result<audit::Commitment> made =
          Commit(tenant.id, tenant.tenant_object, kTenantField, tenant.id.bytes())) {
    leaf.tenant = *made;
  }
  if (Result<audit::Commitment> made =
          Commit(tenant.id, principal.object, kPrincipalField, principal.id.bytes())) {
    leaf.principal = *made;
  }
  return s.log->Append(leaf);
}

Result<ModelRegisterReply> Custodian::RegisterModel(const ModelRegister& request) {
  const ModelEntry& model = request.model;
  Result<Bytes> digest = FromHex(model.digest);
  if (model.name.empty() || model.name.size() > kMaxName || !digest || digest->size() != 32 ||
      (model.task != "chat" && model.task != "embedding") || model.context_tokens == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "a model needs a name of 1 to 256 bytes, a SHA-256 digest in hexadecimal, the task "
                "'chat' or 'embedding', and a context size");
  }
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  const auto same = std::ranges::find(next.models, model.name, &ModelEntry::name);
  if (same != next.models.end()) {
    *same = model;
  } else if (next.models.size() >= kMaxRecords) {
    return Fail(ErrorCode::kResourceExhausted, "too many models");
  } else {
    next.models.push_back(model);
  }
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  Result<std::uint64_t> logged = s.log->Append(LeafOf(audit::LeafType::kModelRegistered));
  if (!logged) {
    return std::unexpected(logged.error());
  }
  return ModelRegisterReply{*logged};
}

}  // namespace casemate::custody
