#include <algorithm>

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/seal.h"
#include "custody/purpose_key.h"
#include "custody/server/custodian_state.h"

// How a deployment is opened again.
namespace casemate::custody {
namespace {

Bytes DocumentContext(const TenantId& deployment, const std::string& name) {
  Bytes context;
  Put(context, AsBytes("casemate/document@v1"));
  Put(context, deployment.bytes());
  Put(context, AsBytes(name));
  return context;
}

}  // namespace

std::string LogOrigin(const TenantId& deployment) {
  return "casemate.local/" + deployment.ToString();
}

ObjectRef RefOf(SystemObject object) {
  ObjectId::Array bytes{};
  constexpr std::string_view kText = "casemate/system";
  std::ranges::copy(AsBytes(kText), bytes.begin());
  bytes.back() = static_cast<std::byte>(object);
  return {ObjectId(bytes), static_cast<std::uint32_t>(object)};
}

Result<NewEntry> FreshEntry(const ObjectId& id, policy::ObjectKind kind) {
  Result<Key> secret = Key::Random();
  if (!secret) {
    return std::unexpected(secret.error());
  }
  ObjectEntry object;
  object.id = id;
  object.kind = kind;
  object.created = UnixSeconds();
  return NewEntry{object, std::move(*secret)};
}

Result<Key> Custodian::State::SystemKey(SystemObject object, policy::Purpose purpose) const {
  const ObjectRef ref = RefOf(object);
  Result<Key> key = Fail(ErrorCode::kNotFound, "no system object");
  const Result<void> found = system->WithObjects(
      {&ref, 1}, [&](std::size_t, const ObjectEntry& entry, KeyView secret) -> Result<void> {
        key = DerivePurposeKey(secret, purpose, env->deployment, entry.id, entry.version);
        return {};
      });
  if (!found) {
    return std::unexpected(found.error());
  }
  return key;
}

Result<Bytes> Custodian::State::SealDocument(SystemObject object, const std::string& name,
                                             PlaintextView content) const {
  Result<Key> key = SystemKey(object, policy::Purpose::kContent);
  if (!key) {
    return std::unexpected(key.error());
  }
  return crypto::Seal(*key, DocumentContext(env->deployment, name), content);
}

Result<Plaintext> Custodian::State::OpenDocument(SystemObject object,
                                                 const std::string& name) const {
  Result<std::optional<Bytes>> sealed = [&] {
    const std::lock_guard lock(env->store_mutex);
    return env->store.ReadDocument(name);
  }();
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  if (!*sealed) {
    return Fail(ErrorCode::kIntegrityFailure, "custodian/tree.db: a document is missing", name);
  }
  Result<Key> key = SystemKey(object, policy::Purpose::kContent);
  if (!key) {
    return std::unexpected(key.error());
  }
  if (name == kStateName && crypto::Sha256(**sealed) != system->head().state) {
    return Fail(ErrorCode::kIntegrityFailure,
                "custodian/tree.db: the state is not the one that the head was signed for");
  }
  return crypto::Open(*key, DocumentContext(env->deployment, name), **sealed);
}

Result<void> Custodian::State::LoadSigningKeys() {
  for (const auto& [object, algorithm] :
       {std::pair(SystemObject::kLogEd25519, crypto::SignatureAlgorithm::kEd25519),
        std::pair(SystemObject::kLogMlDsa44, crypto::SignatureAlgorithm::kMlDsa44)}) {
    Result<Key> seed = SystemKey(object, policy::Purpose::kSigningSeed);
    if (!seed) {
      return std::unexpected(seed.error());
    }
    Result<crypto::SigningKey> key = crypto::SigningKey::FromSeed(algorithm, *seed);
    if (!key) {
      return std::unexpected(key.error());
    }
    env->head_keys.push_back(std::move(*key));
  }
  return {};
}

Result<void> Custodian::State::OpenLog() {
  std::vector<crypto::SigningKey> keys;
  for (const auto& [object, algorithm] :
       {std::pair(SystemObject::kLogEd25519, crypto::SignatureAlgorithm::kEd25519),
        std::pair(SystemObject::kLogMlDsa44, crypto::SignatureAlgorithm::kMlDsa44)}) {
    Result<Key> seed = SystemKey(object, policy::Purpose::kSigningSeed);
    Result<crypto::SigningKey> key =
        seed ? crypto::SigningKey::FromSeed(algorithm, *seed)
             : Result<crypto::SigningKey>(std::unexpected(seed.error()));
    if (!key) {
      return std::unexpected(key.error());
    }
    keys.push_back(std::move(*key));
  }
  Result<Key> journal = SystemKey(SystemObject::kJournal, policy::Purpose::kContent);
  if (!journal) {
    return std::unexpected(journal.error());
  }
  Result<std::unique_ptr<audit::LogWriter>> opened =
      audit::LogWriter::Open({options.deployment / "audit", LogOrigin(env->deployment),
                              std::move(keys), std::move(*journal)});
  if (!opened) {
    return std::unexpected(opened.error());
  }
  log = std::move(*opened);
  // What a head was signed over must still be there.
  std::uint64_t needed = system->head().log_size;
  for (const auto& [id, tree] : trees) {
    needed = std::max(needed, tree->head().log_size);
  }
  if (log->size() < needed) {
    return Fail(ErrorCode::kIntegrityFailure,
                "the audit log has " + std::to_string(log->size()) + " entries, and a tree head " +
                    "was signed when it had " + std::to_string(needed) + ": it was cut back");
  }
  env->log_size = [writer = log.get()] { return writer->checkpoint_size(); };
  return {};
}

namespace {

Result<std::unique_ptr<KeyTree>> OpenVerified(TreeEnvironment& env, const StoredHead& head) {
  Result<std::unique_ptr<KeyTree>> tree = KeyTree::Open(env, head);
  if (tree) {
    if (Result<void> verified = (*tree)->VerifyHead(); !verified) {
      return std::unexpected(verified.error());
    }
  }
  return tree;
}

}  // namespace

// What was being removed when the custodian stopped.
Result<void> Custodian::State::FinishRemovals() {
  if (document->removed.empty()) {
    return {};
  }
  const std::lock_guard changing(change_mutex);
  StateDocument next = *document;
  for (const TenantId& tenant : next.removed) {
    if (Result<void> destroyed = DestroyTree(*env, tenant); !destroyed) {
      return Wrap(destroyed.error(), "a tenant's removal could not be finished");
    }
    if (Result<std::uint64_t> logged = log->Append(LeafOf(audit::LeafType::kTenantRemoved));
        !logged) {
      return std::unexpected(logged.error());
    }
  }
  next.removed.clear();
  return SaveState(std::move(next));
}

namespace {

Result<void> CompareLabels(const Custodian::Options& options, const StateDocument& document) {
  if (!options.labels.empty() && options.labels != document.labels) {
    std::string order;
    for (const std::string& name : document.labels) {
      order += (order.empty() ? "\"" : ", \"") + name + "\"";
    }
    return Fail(
        ErrorCode::kInvalidArgument,
        "config.toml: labels.order is not what this deployment was made with. Objects, keys "
        "and grants hold the places of labels in it, so it cannot change: put back order = [" +
            order + "]");
  }
  const std::string& fallback = document.labels[static_cast<std::size_t>(document.default_label)];
  if (!options.default_label.empty() && options.default_label != fallback) {
    return Fail(ErrorCode::kInvalidArgument,
                "config.toml: labels.default is not what this deployment was made with: put back "
                "default = \"" +
                    fallback + "\"");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Custodian>> Custodian::Open(Options options) {
  auto state = std::make_unique<State>();
  State& s = *state;
  const std::filesystem::path folder = options.deployment / "custodian";
  const std::string mirror = options.mirror == "none" ? std::string() : options.mirror;
  Result<TreeStore> store = TreeStore::Open(folder, mirror, false);
  if (!store) {
    return std::unexpected(store.error());
  }
  s.options = std::move(options);
  s.store.emplace(std::move(*store));
  Result<std::optional<TenantId>> deployment = s.store->Deployment();
  Result<std::vector<StoredHead>> heads = s.store->Heads();
  if (!deployment || !heads) {
    return std::unexpected(deployment ? heads.error() : deployment.error());
  }
  if (!*deployment) {
    return Fail(ErrorCode::kIntegrityFailure,
                "custodian/tree.db has no deployment: `casemate init` did not end");
  }
  s.env.reset(new TreeEnvironment{
      *s.options.token, *s.store, {}, **deployment, {}, {}, s.options.epoch_interval});
  const auto head_of = [&heads](const TenantId& tenant) {
    const auto found = std::ranges::find(*heads, tenant, &StoredHead::tenant);
    return found == heads->end() ? nullptr : &*found;
  };
  const StoredHead* system_head = head_of(s.env->deployment);
  if (system_head == nullptr) {
    return Fail(ErrorCode::kIntegrityFailure, "custodian/tree.db has no head of the system tenant");
  }
  // The keys that verify heads are in the system tenant's own tree, which only the token opens.
  Result<std::unique_ptr<KeyTree>> system = KeyTree::Open(*s.env, *system_head);
  if (!system) {
    return std::unexpected(system.error());
  }
  s.system = std::move(*system);
  if (Result<void> loaded = s.LoadSigningKeys(); !loaded) {
    return std::unexpected(loaded.error());
  }
  if (Result<void> verified = s.system->VerifyHead(); !verified) {
    return std::unexpected(verified.error());
  }
  Result<Plaintext> text = s.OpenDocument(SystemObject::kState, kStateName);
  if (!text) {
    return std::unexpected(text.error());
  }
  Result<StateDocument> document = ReadStateDocument(*text);
  if (!document) {
    return std::unexpected(document.error());
  }
  if (Result<void> same = CompareLabels(s.options, *document); !same) {
    return std::unexpected(same.error());
  }
  s.document = std::make_shared<const StateDocument>(std::move(*document));
  for (const TenantRecord& tenant : s.document->tenants) {
    const StoredHead* head = head_of(tenant.id);
    if (head == nullptr) {
      return Fail(ErrorCode::kIntegrityFailure, "custodian/tree.db has no head of a tenant",
                  tenant.id.ToString());
    }
    Result<std::unique_ptr<KeyTree>> tree = OpenVerified(*s.env, *head);
    if (!tree) {
      return std::unexpected(tree.error());
    }
    s.trees.emplace(tenant.id, std::move(*tree));
  }
  if (Result<void> opened = s.OpenLog(); !opened) {
    return std::unexpected(opened.error());
  }
  // Everything fits: only now may anything be overwritten or destroyed.
  if (Result<void> synced = s.store->SyncMirror(); !synced) {
    return std::unexpected(synced.error());
  }
  if (Result<void> settled = s.system->Settle(); !settled) {
    return std::unexpected(settled.error());
  }
  for (const auto& [id, tree] : s.trees) {
    if (Result<void> settled = tree->Settle(); !settled) {
      return std::unexpected(settled.error());
    }
  }
  if (Result<void> finished = s.FinishRemovals(); !finished) {
    return std::unexpected(finished.error());
  }
  audit::Leaf leaf;
  leaf.type = audit::LeafType::kStart;
  leaf.unix_ms = UnixMillis();
  leaf.epoch = s.system->head().epoch;
  if (Result<std::uint64_t> logged = s.log->Append(leaf); !logged) {
    return std::unexpected(logged.error());
  }
  return std::unique_ptr<Custodian>(new Custodian(std::move(state)));
}

}  // namespace casemate::custody
