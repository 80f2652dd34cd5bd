#include "custody/server/custodian.h"

#include "audit/verify/merkle.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "custody/purpose_key.h"
#include "custody/server/custodian_state.h"

namespace casemate::custody {

audit::Leaf LeafOf(audit::LeafType type) {
  audit::Leaf leaf;
  leaf.type = type;
  leaf.unix_ms = UnixMillis();
  return leaf;
}

Custodian::Custodian(std::unique_ptr<State> state) : state_(std::move(state)) {}
Custodian::~Custodian() = default;

Result<std::uint64_t> Custodian::LogAbout(audit::Leaf leaf, const TenantRecord& tenant,
                                          const PrincipalRecord* principal) {
  Result<audit::Commitment> about =
      Commit(tenant.id, tenant.tenant_object, kTenantField, tenant.id.bytes());
  if (!about) {
    return Wrap(about.error(), "the audit entry cannot be made");
  }
  leaf.tenant = *about;
  if (principal != nullptr) {
    Result<audit::Commitment> whom =
        Commit(tenant.id, principal->object, kPrincipalField, principal->id.bytes());
    if (!whom) {
      return Wrap(whom.error(), "the audit entry cannot be made");
    }
    leaf.principal = *whom;
  }
  return state_->log->Append(leaf);
}

std::shared_ptr<const StateDocument> Custodian::state() const {
  const std::shared_lock lock(state_->mutex);
  return state_->document;
}

Result<KeyTree*> Custodian::Tree(const TenantId& tenant) const {
  const std::shared_lock lock(state_->mutex);
  const auto found = state_->trees.find(tenant);
  if (found == state_->trees.end()) {
    return Fail(ErrorCode::kNotFound, "there is no such tenant");
  }
  return found->second.get();
}

audit::LogWriter& Custodian::log() { return *state_->log; }

const std::string& Custodian::mirror() const { return state_->options.mirror; }

bool Custodian::erasure_has_second_copy() const { return !state_->options.mirror.empty(); }

KeyListReply Custodian::ListKeys() const {
  const std::shared_ptr<const StateDocument> document = state();
  KeyListReply reply;
  for (const KeyRecord& key : document->keys) {
    const TenantRecord* tenant = document->FindTenant(key.tenant);
    reply.keys.push_back({key.id, tenant != nullptr ? tenant->name : std::string(), key.name,
                          key.principal, key.ceiling, key.created, key.revoked,
                          document->FindPrincipal(key.principal)->name, key.expires});
  }
  return reply;
}

TenantListReply Custodian::ListTenants() const {
  TenantListReply reply;
  const std::shared_lock lock(state_->mutex);
  for (const TenantRecord& tenant : state_->document->tenants) {
    TenantEntry entry;
    entry.id = tenant.id;
    entry.name = tenant.name;
    entry.created = tenant.created;
    entry.suspended = tenant.suspended;
    if (const auto tree = state_->trees.find(tenant.id); tree != state_->trees.end()) {
      entry.epoch = tree->second->head().epoch;
      entry.objects = tree->second->objects();
    }
    reply.tenants.push_back(std::move(entry));
  }
  return reply;
}

ModelListReply Custodian::ListModels() const { return {state()->models}; }

StatusReply Custodian::Status() const {
  StatusReply reply;
  reply.token = state_->options.token->Describe();
  reply.pin_protection = state_->options.pin_protection;
  reply.mirror = state_->options.mirror;
  reply.log_size = state_->log->size();
  reply.log_checkpoint = state_->log->checkpoint_size();
  reply.tenants = ListTenants().tenants;
  return reply;
}

Result<Identity> Custodian::FrontIdentity() const {
  Result<Plaintext> key = state_->OpenDocument(SystemObject::kTlsKey, kTlsKeyName);
  if (!key) {
    return std::unexpected(key.error());
  }
  Identity identity;
  identity.private_key_der = std::move(*key);
  const std::shared_lock lock(state_->mutex);
  identity.certificate_der = state_->document->certificate_der;
  identity.authority_der = state_->document->authority_der;
  return identity;
}

Admission Custodian::FrontAdmission() const {
  Admission admission;
  const std::shared_lock lock(state_->mutex);
  const StateDocument& document = *state_->document;
  for (const KeyRecord& key : document.keys) {
    const PrincipalRecord& principal = *document.FindPrincipal(key.principal);
    if (key.revoked || principal.suspended || document.FindTenant(key.tenant)->suspended) {
      continue;
    }
    admission.keys.push_back({key.id, key.verifier, key.tenant, key.principal,
                              policy::Lowest(key.ceiling, principal.ceiling), key.expires});
  }
  for (const TenantRecord& tenant : state_->document->tenants) {
    admission.tenants.push_back({tenant.id, tenant.name, tenant.operator_principal});
  }
  return admission;
}

Result<Tenant> Custodian::TenantFor(const TenantId& id) const {
  const std::shared_lock lock(state_->mutex);
  const TenantRecord* record = state_->document->FindTenant(id);
  if (record == nullptr) {
    return Fail(ErrorCode::kNotFound, "there is no such tenant: " + id.ToString());
  }
  return Tenant{record->id,
                record->name,
                record->tenant_object,
                state_->document->models,
                record->operator_principal,
                state_->document->labels,
                state_->document->default_label};
}

namespace {

Result<Key> SaltOf(KeyTree& tree, const ObjectRef& object) {
  Result<Key> salt = Fail(ErrorCode::kNotFound, "no salt");
  const Result<void> found = tree.WithObjects(
      {&object, 1}, [&](std::size_t, const ObjectEntry& entry, KeyView secret) -> Result<void> {
        salt = DerivePurposeKey(secret, policy::Purpose::kSalt, tree.tenant(), entry.id,
                                entry.version);
        return {};
      });
  if (!found) {
    return std::unexpected(found.error());
  }
  return salt;
}

audit::Commitment CommitWith(KeyView salt, std::uint8_t field, ByteView value) {
  Bytes input = {static_cast<std::byte>(field)};
  Put(input, value);
  return crypto::HmacSha256(salt, input);
}

}  // namespace

Result<audit::Commitment> Custodian::Commit(const TenantId& tenant, const ObjectRef& object,
                                            std::uint8_t field, ByteView value) const {
  Result<KeyTree*> tree = Tree(tenant);
  Result<Key> salt = tree ? SaltOf(**tree, object) : Result<Key>(std::unexpected(tree.error()));
  if (!salt) {
    return std::unexpected(salt.error());
  }
  return CommitWith(*salt, field, value);
}

Result<audit::Commitment> Custodian::CommitObjects(const TenantId& tenant,
                                                   std::span<const ObjectId> objects) const {
  Result<Tenant> record = TenantFor(tenant);
  Result<KeyTree*> tree = Tree(tenant);
  if (!record || !tree) {
    return std::unexpected(record ? tree.error() : record.error());
  }
  Result<Key> salt = SaltOf(**tree, record->tenant_object);
  if (!salt) {
    return std::unexpected(salt.error());
  }
  std::vector<crypto::Digest> leaves;
  leaves.reserve(objects.size());
  for (const ObjectId& id : objects) {
    leaves.push_back(audit::LeafHash(CommitWith(*salt, kObjectField, id.bytes())));
  }
  return audit::RootHash(leaves.size(), audit::SourceOf(leaves));
}

void Custodian::KeepHouse() {
  std::vector<KeyTree*> trees = {state_->system.get()};
  {
    const std::shared_lock lock(state_->mutex);
    for (const auto& [id, tree] : state_->trees) {
      trees.push_back(tree.get());
    }
  }
  for (KeyTree* tree : trees) {
    if (Result<void> anchored = tree->Anchor(); !anchored) {
      LogError("a tree head could not be anchored in the token", anchored.error());
    }
    tree->DropIdleNodes();
  }
}

Result<void> Custodian::Stop() {
  KeepHouse();
  if (Result<std::uint64_t> logged = state_->log->Append(LeafOf(audit::LeafType::kStop)); !logged) {
    return std::unexpected(logged.error());
  }
  return state_->log->Checkpoint();
}

}  // namespace casemate::custody
