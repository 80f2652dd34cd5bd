#include "custody/server/key_tree.h"

#include <algorithm>

#include "base/log.h"
#include "custody/server/key_tree_state.h"

namespace casemate::custody {
namespace {

// epoch u64 || sequence u64 || SHA-256 of the head's text: greater is newer.
Bytes AnchorValue(const TreeHead& head) {
  Bytes value;
  PutU64(value, head.epoch);
  PutU64(value, head.sequence);
  Put(value, crypto::Sha256(AsBytes(WriteTreeHead(head))));
  return value;
}

}  // namespace

Bytes RootKeyContext(const TenantId& tenant, std::uint64_t epoch) {
  Bytes context;
  Put(context, AsBytes("casemate/root-key@v1"));
  Put(context, tenant.bytes());
  PutU64(context, epoch);
  return context;
}

std::string EpochKeyPrefix(const TenantId& tenant) {
  return "casemate " + tenant.ToString() + " epoch ";
}
std::string EpochKeyLabel(const TenantId& tenant, std::uint64_t epoch) {
  return EpochKeyPrefix(tenant) + std::to_string(epoch);
}
std::string AnchorLabel(const TenantId& tenant) {
  return "casemate " + tenant.ToString() + " head";
}

// --- Reading ------------------------------------------------------------------------------------

Result<std::shared_ptr<const KeyNode>> KeyTree::State::LoadUncached(const NodeAddress& address) {
  std::shared_ptr<const KeyNode> parent;
  if (address.level != kRootLevel) {
    Result<std::shared_ptr<const KeyNode>> loaded = Load(ParentOf(address));
    if (!loaded) {
      return loaded;
    }
    parent = std::move(*loaded);
    if (!parent || !parent->HasChild(address.index % kFanOut)) {
      return std::shared_ptr<const KeyNode>();  // nothing was ever put there
    }
  }
  Result<StoredNode> stored = [&] {
    const std::lock_guard lock(env.store_mutex);
    return env.store.ReadNode(tenant, address);
  }();
  if (!stored) {
    return std::unexpected(stored.error());
  }
  const std::uint32_t child = address.index % kFanOut;
  Result<KeyNode> node = KeyNode::Open(parent ? parent->ChildKey(child) : root_key->view(), tenant,
                                       *stored, parent ? parent->ChildDigest(child) : head.root);
  if (!node) {
    return std::unexpected(node.error());
  }
  return std::make_shared<const KeyNode>(std::move(*node));
}

// Nothing: no such node yet.
Result<std::shared_ptr<const KeyNode>> KeyTree::State::Load(const NodeAddress& address) {
  if (const auto found = cache.find(address); found != cache.end()) {
    found->second.used = ++uses;
    return found->second.node;
  }
  Result<std::shared_ptr<const KeyNode>> node = LoadUncached(address);
  if (node && *node) {
    Keep(*node);
  }
  return node;
}

void KeyTree::State::Keep(std::shared_ptr<const KeyNode> node) {
  const NodeAddress address = node->address();
  cache[address] = {std::move(node), ++uses};
  while (cache.size() > kMaxCachedNodes) {
    cache.erase(std::ranges::min_element(
        cache, [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
}

Result<void> KeyTree::State::Scan() {
  Result<std::shared_ptr<const KeyNode>> root = Load(kRoot);
  if (!root) {
    return std::unexpected(root.error());
  }
  for (std::uint32_t i = 0; i < kFanOut; ++i) {
    if (!(*root)->HasChild(i)) {
      continue;
    }
    Result<std::shared_ptr<const KeyNode>> inner = Load({1, i});
    if (!inner) {
      return std::unexpected(inner.error());
    }
    for (std::uint32_t j = 0; j < kFanOut; ++j) {
      if (!(*inner)->HasChild(j)) {
        continue;
      }
      const std::uint32_t index = i * kFanOut + j;
      Result<std::shared_ptr<const KeyNode>> leaf = LoadUncached({kLeafLevel, index});
      if (!leaf) {
        return std::unexpected(leaf.error());
      }
      for (std::uint32_t k = 0; k < kFanOut; ++k) {
        if (!(*leaf)->HasObject(k)) {
          continue;
        }
        const std::uint32_t slot = index * kFanOut + k;
        const ObjectEntry object = (*leaf)->Object(k);
        if (object.source != kNoSlot) {
          derived.emplace(object.source, slot);
        }
        ++leaf_counts[index];
        ++live;
        next_slot = slot + 1;
      }
    }
  }
  return {};
}

Result<void> KeyTree::WithObjects(std::span<const ObjectRef> objects, const EntryUse& use) {
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const ObjectRef& ref = objects[i];
    std::shared_ptr<const KeyNode> leaf;
    if (ref.slot < kMaxSlots) {
      Result<std::shared_ptr<const KeyNode>> loaded = s.Load(LeafOf(ref.slot));
      if (!loaded) {
        return std::unexpected(loaded.error());
      }
      leaf = std::move(*loaded);
    }
    const std::uint32_t entry = ref.slot % kFanOut;
    if (!leaf || !leaf->HasObject(entry) || leaf->Object(entry).id != ref.id) {
      return Fail(ErrorCode::kNotFound, "no such object, or it was erased", ref.id.ToString());
    }
    if (Result<void> used = use(i, leaf->Object(entry), leaf->ObjectSecret(entry)); !used) {
      return used;
    }
  }
  return {};
}

// --- Beginning, and keeping in step with the token ----------------------------------------------

KeyTree::KeyTree(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeyTree::~KeyTree() = default;

Result<std::unique_ptr<KeyTree>> KeyTree::Make(TreeEnvironment& environment,
                                               const TenantId& tenant) {
  auto state = std::make_unique<State>(environment, tenant);
  state->head.deployment = environment.deployment;
  state->head.tenant = tenant;
  state->head.epoch = 1;
  Result<Key> root_key = Key::Random();
  Result<KeyNode> root = KeyNode::Empty(kRoot);
  if (!root_key || !root) {
    return std::unexpected(root ? root_key.error() : root.error());
  }
  const std::string label = EpochKeyLabel(tenant, 1);
  if (Result<void> made = environment.token.CreateKey(label); !made) {
    return std::unexpected(made.error());
  }
  Result<Bytes> wrapped = environment.token.Wrap(label, *root_key, RootKeyContext(tenant, 1));
  if (!wrapped) {
    return std::unexpected(wrapped.error());
  }
  state->root_key = std::move(*root_key);
  state->wrapped_root_key = std::move(*wrapped);
  state->cache[kRoot] = {std::make_shared<const KeyNode>(std::move(*root)), 0};
  return std::unique_ptr<KeyTree>(new KeyTree(std::move(state)));
}

Result<std::unique_ptr<KeyTree>> KeyTree::Open(TreeEnvironment& environment,
                                               const StoredHead& stored) {
  Result<TreeHead> head = ReadTreeHeadWithoutVerifying(stored.note);
  if (!head) {
    return std::unexpected(head.error());
  }
  if (head->tenant != stored.tenant || head->epoch != stored.epoch ||
      head->deployment != environment.deployment) {
    return Fail(ErrorCode::kIntegrityFailure, "a tree head that belongs elsewhere",
                stored.tenant.ToString());
  }
  Result<std::optional<Bytes>> anchor = environment.token.GetAnchor(AnchorLabel(stored.tenant));
  if (!anchor) {
    return std::unexpected(anchor.error());
  }
  const Bytes ours = AnchorValue(*head);
  if (*anchor && (ours < **anchor || ours.size() != (*anchor)->size())) {
    return Fail(ErrorCode::kIntegrityFailure,
                "the key tree is older than what the token has seen: an old copy was put back. "
                "Use the newest copy, or `casemate restore`",
                stored.tenant.ToString());
  }
  // Same epoch and sequence, another head: two histories.
  if (*anchor && ours != **anchor &&
      std::equal(ours.begin(), ours.begin() + 16, (*anchor)->begin())) {
    return Fail(ErrorCode::kIntegrityFailure, "the key tree is not the one that the token has seen",
                stored.tenant.ToString());
  }
  Result<Key> root_key =
      environment.token.Unwrap(EpochKeyLabel(stored.tenant, head->epoch), stored.wrapped_root_key,
                               RootKeyContext(stored.tenant, head->epoch));
  if (!root_key) {
    if (root_key.error().code == ErrorCode::kNotFound) {
      return Fail(ErrorCode::kIntegrityFailure,
                  "the token has no key for epoch " + std::to_string(head->epoch) +
                      ": the key tree is from before an erasure, or the token is another one",
                  stored.tenant.ToString());
    }
    return std::unexpected(root_key.error());
  }
  auto state = std::make_unique<State>(environment, stored.tenant);
  state->head = *head;
  state->root_key = std::move(*root_key);
  state->wrapped_root_key = stored.wrapped_root_key;
  state->note = stored.note;
  const std::lock_guard lock(state->mutex);
  if (Result<void> scanned = state->Scan(); !scanned) {
    return std::unexpected(scanned.error());
  }
  return std::unique_ptr<KeyTree>(new KeyTree(std::move(state)));
}

Result<void> KeyTree::VerifyHead() const {
  const std::lock_guard lock(state_->mutex);
  Result<TreeHead> head = OpenTreeHead(state_->note, state_->env.head_keys);
  if (!head) {
    return std::unexpected(head.error());
  }
  if (*head != state_->head) {
    return Fail(ErrorCode::kIntegrityFailure, "a tree head that belongs elsewhere");
  }
  return {};
}

Result<void> KeyTree::Settle() {
  if (Result<void> anchored = Anchor(); !anchored) {
    return anchored;
  }
  return state_->DestroyOldEpochKeys();
}

// All but the one in force: also what an earlier erasure left behind when the token failed.
Result<void> KeyTree::State::DestroyOldEpochKeys() {
  const std::string current = [&] {
    const std::lock_guard lock(mutex);
    return EpochKeyLabel(tenant, head.epoch);
  }();
  Result<std::vector<std::string>> labels = env.token.ListKeys(EpochKeyPrefix(tenant));
  if (!labels) {
    return std::unexpected(labels.error());
  }
  for (const std::string& label : *labels) {
    if (label != current) {
      if (Result<void> destroyed = env.token.DestroyKey(label); !destroyed) {
        return destroyed;
      }
      Log(LogLevel::kInfo, "epoch key destroyed", {{"label", label}});
    }
  }
  return {};
}

Result<void> KeyTree::State::PutAnchor() {
  const TreeHead now = [&] {
    const std::lock_guard lock(mutex);
    return head;
  }();
  if (Result<void> put = env.token.PutAnchor(AnchorLabel(tenant), AnchorValue(now)); !put) {
    return put;
  }
  const std::lock_guard lock(mutex);
  anchored_sequence = now.sequence;
  return {};
}

Result<void> KeyTree::Anchor() {
  const std::lock_guard leading(state_->commit_mutex);
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->anchored_sequence == state_->head.sequence) {
      return {};
    }
  }
  return state_->PutAnchor();
}

void KeyTree::DropIdleNodes() {
  const std::lock_guard lock(state_->mutex);
  if (state_->head.sequence == 0) {
    return;  // nothing is on disk yet
  }
  std::erase_if(state_->cache,
                [this](const auto& one) { return one.second.used <= state_->idle_since; });
  state_->idle_since = state_->uses;
}

const TenantId& KeyTree::tenant() const { return state_->tenant; }

TreeHead KeyTree::head() const {
  const std::lock_guard lock(state_->mutex);
  return state_->head;
}

std::uint64_t KeyTree::objects() const {
  const std::lock_guard lock(state_->mutex);
  return state_->live;
}

}  // namespace casemate::custody
