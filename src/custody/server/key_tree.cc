#include "custody/server/key_tree.h"

#include <algorithm>
#include <thread>
#include <unordered_set>

#include "base/log.h"
#include "custody/server/key_tree_state.h"

namespace casemate::custody {
namespace {

Bytes RootKeyContext(const TenantId& tenant, std::uint64_t epoch) {
  Bytes context;
  Put(context, AsBytes("casemate/root-key@v1"));
  Put(context, tenant.bytes());
  PutU64(context, epoch);
  return context;
}

constexpr NodeAddress kRoot{kRootLevel, 0};

NodeAddress ParentOf(const NodeAddress& address) {
  return {static_cast<std::uint8_t>(address.level - 1), address.index / kFanOut};
}

NodeAddress LeafOf(std::uint32_t slot) { return {kLeafLevel, slot / kFanOut}; }

// epoch u64 || sequence u64 || SHA-256 of the head's text: greater is newer.
Bytes AnchorValue(const TreeHead& head) {
  Bytes value;
  PutU64(value, head.epoch);
  PutU64(value, head.sequence);
  Put(value, crypto::Sha256(AsBytes(WriteTreeHead(head))));
  return value;
}

}  // namespace

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

// --- Changing -----------------------------------------------------------------------------------

Result<void> KeyTree::State::SignHead(Staged& staged) {
  staged.head.log_size = env.log_size ? env.log_size() : 0;
  Result<Bytes> signed_note = SignTreeHead(staged.head, env.head_keys);
  if (!signed_note) {
    return std::unexpected(signed_note.error());
  }
  staged.change.head.tenant = tenant;
  staged.change.head.epoch = staged.head.epoch;
  staged.change.head.note = std::move(*signed_note);
  return {};
}

Result<void> KeyTree::State::Commit(Staged& staged) {
  if (Result<void> done = SignHead(staged); !done) {
    return done;
  }
  const std::lock_guard lock(env.store_mutex);
  return env.store.Commit(staged.change);
}

void KeyTree::State::Install(Staged staged) {
  head = staged.head;
  note = std::move(staged.change.head.note);
  wrapped_root_key = std::move(staged.change.head.wrapped_root_key);
  if (staged.root_key) {
    root_key = std::move(staged.root_key);
  }
  for (const NodeAddress& address : staged.dropped) {
    cache.erase(address);
  }
  for (auto& [address, node] : staged.nodes) {
    Keep(std::move(node));
  }
  for (const auto& [source, slot] : staged.lineage) {
    derived.emplace(source, slot);
  }
  for (const std::uint32_t slot : staged.added) {
    ++leaf_counts[slot / kFanOut];
    ++live;
  }
  for (const std::uint32_t slot : staged.removed) {
    --leaf_counts[slot / kFanOut];
    --live;
    derived.erase(slot);
  }
  next_slot = std::max(next_slot, staged.next_slot);
}

// Slots are given out in order; when the last is reached, those of erased objects are looked for.
Result<std::uint32_t> KeyTree::State::PickSlot(Staged& staged, std::uint32_t& cursor) {
  if (cursor < kMaxSlots) {
    return cursor++;
  }
  for (std::uint32_t index = 0; index < kMaxSlots / kFanOut; ++index) {
    const auto count = leaf_counts.find(index);
    if (count != leaf_counts.end() && count->second == kFanOut) {
      continue;
    }
    Result<std::shared_ptr<const KeyNode>> leaf = Load({kLeafLevel, index});
    if (!leaf) {
      return std::unexpected(leaf.error());
    }
    for (std::uint32_t entry = 0; entry < kFanOut; ++entry) {
      const std::uint32_t slot = index * kFanOut + entry;
      if ((!*leaf || !(*leaf)->HasObject(entry)) &&
          std::ranges::find(staged.added, slot) == staged.added.end()) {
        return slot;
      }
    }
  }
  return Fail(ErrorCode::kResourceExhausted, "the key tree is full: 16,777,216 objects");
}

Result<KeyTree::State::Staged> KeyTree::State::StageCreate(
    std::span<PendingCreate* const> batch, std::vector<std::vector<std::uint32_t>>& slots) {
  Staged staged;
  staged.head = head;
  ++staged.head.sequence;
  staged.change.head.wrapped_root_key = wrapped_root_key;
  std::uint32_t cursor = next_slot;
  // Copies of the nodes that change, leaves before inner nodes before the root.
  std::map<NodeAddress, KeyNode> changing;
  const auto edit = [&](const NodeAddress& address) -> Result<KeyNode*> {
    if (const auto found = changing.find(address); found != changing.end()) {
      return &found->second;
    }
    Result<std::shared_ptr<const KeyNode>> loaded = Load(address);
    if (!loaded) {
      return std::unexpected(loaded.error());
    }
    Result<KeyNode> copy = *loaded ? (*loaded)->Copy() : KeyNode::Empty(address);
    if (!copy) {
      return std::unexpected(copy.error());
    }
    return &changing.emplace(address, std::move(*copy)).first->second;
  };
  for (PendingCreate* pending : batch) {
    std::vector<std::uint32_t> mine;
    for (const NewEntry& entry : pending->entries) {
      Result<std::uint32_t> slot = PickSlot(staged, cursor);
      Result<KeyNode*> leaf =
          slot ? edit(LeafOf(*slot)) : Result<KeyNode*>(std::unexpected(slot.error()));
      if (!leaf) {
        return std::unexpected(leaf.error());
      }
      (*leaf)->SetObject(*slot % kFanOut, entry.object, entry.secret);
      mine.push_back(*slot);
      staged.added.push_back(*slot);
      if (entry.object.source != kNoSlot) {
        staged.lineage.emplace_back(entry.object.source, *slot);
      }
    }
    slots.push_back(std::move(mine));
    for (StoredDocument& document : pending->documents) {
      staged.change.documents.push_back(std::move(document));
    }
    if (pending->state) {
      staged.head.state = *pending->state;
    }
  }
  staged.next_slot = cursor;
  for (std::uint8_t level = kLeafLevel;; --level) {
    std::vector<NodeAddress> here;
    for (const auto& [address, node] : changing) {
      if (address.level == level) {
        here.push_back(address);
      }
    }
    for (const NodeAddress& address : here) {
      KeyNode& node = changing.at(address);
      const std::uint32_t child = address.index % kFanOut;
      KeyNode* parent = nullptr;
      std::optional<Key> fresh;
      if (level != kRootLevel) {
        Result<KeyNode*> edited = edit(ParentOf(address));
        if (!edited) {
          return std::unexpected(edited.error());
        }
        parent = *edited;
        Result<Key> key =
            parent->HasChild(child) ? Key::Copy(parent->ChildKey(child)) : Key::Random();
        if (!key) {
          return std::unexpected(key.error());
        }
        fresh = std::move(*key);
      }
      Result<Bytes> sealed =
          node.Seal(parent != nullptr ? fresh->view() : root_key->view(), tenant, head.epoch);
      if (!sealed) {
        return std::unexpected(sealed.error());
      }
      const crypto::Digest digest = crypto::Sha256(*sealed);
      if (parent != nullptr) {
        parent->SetChild(child, *fresh, digest);
      } else {
        staged.head.root = digest;
      }
      staged.change.nodes.push_back({address, head.epoch, std::move(*sealed)});
    }
    if (level == kRootLevel) {
      break;
    }
  }
  for (auto& [address, node] : changing) {
    staged.nodes.emplace(address, std::make_shared<const KeyNode>(std::move(node)));
  }
  return staged;
}

void KeyTree::State::RunCreates(std::vector<PendingCreate*> batch) {
  const std::lock_guard leading(commit_mutex);
  std::vector<std::vector<std::uint32_t>> slots;
  Result<Staged> staged = [&] {
    const std::lock_guard lock(mutex);
    return StageCreate(batch, slots);
  }();
  Result<void> done = staged ? Commit(*staged) : Result<void>(std::unexpected(staged.error()));
  if (done) {
    const std::lock_guard lock(mutex);
    Install(std::move(*staged));
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (done) {
      batch[i]->result = std::move(slots[i]);
    } else {
      batch[i]->result = std::unexpected(done.error());
    }
  }
}

Result<std::vector<std::uint32_t>> KeyTree::CreateWith(std::vector<NewEntry> entries,
                                                       std::vector<StoredDocument> documents,
                                                       const crypto::Digest& state) {
  State& s = *state_;
  State::PendingCreate mine;
  mine.entries = std::move(entries);
  mine.documents = std::move(documents);
  if (state != crypto::Digest{}) {
    mine.state = state;
  }
  std::unique_lock lock(s.create_mutex);
  s.create_queue.push_back(&mine);
  // Whoever comes while nobody commits takes everything that waits, its own included.
  s.create_changed.wait(lock, [&] { return mine.result.has_value() || !s.create_led; });
  if (!mine.result) {
    s.create_led = true;
    std::vector<State::PendingCreate*> batch;
    batch.swap(s.create_queue);
    lock.unlock();
    s.RunCreates(batch);
    lock.lock();
    s.create_led = false;
    s.create_changed.notify_all();
  }
  return std::move(*mine.result);
}

Result<std::vector<std::uint32_t>> KeyTree::Create(std::vector<NewEntry> entries) {
  return CreateWith(std::move(entries), {}, {});
}

Result<void> KeyTree::PutState(const std::string& name, Bytes sealed) {
  const crypto::Digest digest = crypto::Sha256(sealed);
  std::vector<StoredDocument> documents;
  documents.push_back({name, std::move(sealed)});
  Result<std::vector<std::uint32_t>> done = CreateWith({}, std::move(documents), digest);
  if (!done) {
    return std::unexpected(done.error());
  }
  return {};
}

// --- Erasing ------------------------------------------------------------------------------------

std::vector<std::uint32_t> KeyTree::State::WithDescendants(std::span<const ObjectRef> objects) {
  std::vector<std::uint32_t> slots;
  std::unordered_set<std::uint32_t> seen;
  for (const ObjectRef& ref : objects) {
    if (seen.insert(ref.slot).second) {
      slots.push_back(ref.slot);
    }
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {  // grows while it runs
    const auto [begin, end] = derived.equal_range(slots[i]);
    for (auto it = begin; it != end; ++it) {
      if (seen.insert(it->second).second) {
        slots.push_back(it->second);
      }
    }
  }
  return slots;
}

Result<KeyTree::State::Staged> KeyTree::State::StageErase(const std::vector<std::uint32_t>& slots) {
  Staged staged;
  staged.head = head;
  ++staged.head.sequence;
  ++staged.head.epoch;
  staged.next_slot = next_slot;
  staged.removed = slots;
  // Every node on a path gets a new key: what an old copy of its parent holds opens nothing of the
  // new tree, and the old parent itself dies with the old epoch key. One opened node at a time, so
  // that a large erasure does not need much locked memory.
  struct Resealed {
    Key key;
    crypto::Digest digest;
  };
  std::map<std::uint32_t, std::vector<std::uint32_t>> by_leaf;
  for (const std::uint32_t slot : slots) {
    by_leaf[slot / kFanOut].push_back(slot % kFanOut);
  }
  const auto reseal = [&](const NodeAddress& address,
                          const std::function<void(KeyNode&)>& edit) -> Result<Resealed> {
    Result<std::shared_ptr<const KeyNode>> old = Load(address);
    if (!old) {
      return std::unexpected(old.error());
    }
    Result<KeyNode> node = (*old)->Copy();
    Result<Key> key = Key::Random();
    if (!node || !key) {
      return std::unexpected(node ? key.error() : node.error());
    }
    edit(*node);
    Result<Bytes> sealed = node->Seal(*key, tenant, staged.head.epoch);
    if (!sealed) {
      return std::unexpected(sealed.error());
    }
    const crypto::Digest digest = crypto::Sha256(*sealed);
    staged.change.nodes.push_back({address, staged.head.epoch, std::move(*sealed)});
    staged.dropped.push_back(address);
    return Resealed{std::move(*key), digest};
  };
  std::map<std::uint32_t, std::map<std::uint32_t, Resealed>> by_inner;
  for (const auto& [index, entries] : by_leaf) {
    Result<Resealed> leaf = reseal({kLeafLevel, index}, [&entries](KeyNode& node) {
      for (const std::uint32_t entry : entries) {
        node.ClearObject(entry);
      }
    });
    if (!leaf) {
      return std::unexpected(leaf.error());
    }
    by_inner[index / kFanOut].emplace(index % kFanOut, std::move(*leaf));
  }
  std::map<std::uint32_t, Resealed> inners;
  for (const auto& [index, children] : by_inner) {
    Result<Resealed> inner = reseal({1, index}, [&children](KeyNode& node) {
      for (const auto& [child, resealed] : children) {
        node.SetChild(child, resealed.key, resealed.digest);
      }
    });
    if (!inner) {
      return std::unexpected(inner.error());
    }
    inners.emplace(index, std::move(*inner));
  }
  Result<Resealed> root = reseal(kRoot, [&inners](KeyNode& node) {
    for (const auto& [child, resealed] : inners) {
      node.SetChild(child, resealed.key, resealed.digest);
    }
  });
  if (!root) {
    return std::unexpected(root.error());
  }
  staged.head.root = root->digest;
  staged.root_key = std::move(root->key);
  return staged;
}

Result<Erased> KeyTree::State::EraseNow(std::span<const ObjectRef> objects) {
  const std::lock_guard leading(commit_mutex);
  Erased erased;
  Result<Staged> staged = [&]() -> Result<Staged> {
    const std::lock_guard lock(mutex);
    std::vector<std::uint32_t> slots;
    for (const std::uint32_t slot : WithDescendants(objects)) {
      Result<std::shared_ptr<const KeyNode>> leaf = Load(LeafOf(slot));
      if (!leaf) {
        return std::unexpected(leaf.error());
      }
      if (*leaf && (*leaf)->HasObject(slot % kFanOut)) {
        slots.push_back(slot);
        erased.objects.push_back({(*leaf)->Object(slot % kFanOut).id, slot});
      }
    }
    return StageErase(slots);
  }();
  if (!staged) {
    return std::unexpected(staged.error());
  }
  const std::string label = EpochKeyLabel(tenant, staged->head.epoch);
  // A key of that label can only be what an erasure that failed left behind: nothing uses it.
  if (Result<bool> left = env.token.HasKey(label); left && *left) {
    if (Result<void> destroyed = env.token.DestroyKey(label); !destroyed) {
      return std::unexpected(destroyed.error());
    }
  }
  if (Result<void> made = env.token.CreateKey(label); !made) {
    return std::unexpected(made.error());
  }
  Result<Bytes> wrapped =
      env.token.Wrap(label, *staged->root_key, RootKeyContext(tenant, staged->head.epoch));
  if (!wrapped) {
    return std::unexpected(wrapped.error());
  }
  staged->change.head.wrapped_root_key = std::move(*wrapped);
  if (Result<void> committed = Commit(*staged); !committed) {
    return std::unexpected(committed.error());
  }
  erased.epoch = staged->head.epoch;
  {
    const std::lock_guard lock(mutex);
    Install(std::move(*staged));
  }
  // The anchor before the old key goes: from here on only the new head is accepted.
  if (Result<void> anchored = PutAnchor(); !anchored) {
    return std::unexpected(anchored.error());
  }
  if (Result<void> destroyed = DestroyOldEpochKeys(); !destroyed) {
    return Wrap(destroyed.error(), "the erasure is not complete");
  }
  return erased;
}

void KeyTree::State::RunErases(std::vector<PendingErase*> batch) {
  std::vector<ObjectRef> all;
  for (const PendingErase* pending : batch) {
    all.insert(all.end(), pending->objects.begin(), pending->objects.end());
  }
  const Result<Erased> erased = EraseNow(all);
  for (PendingErase* pending : batch) {
    pending->result = erased;  // each learns of the whole epoch
  }
}

Result<Erased> KeyTree::Erase(std::span<const ObjectRef> objects) {
  State& s = *state_;
  State::PendingErase mine;
  mine.objects.assign(objects.begin(), objects.end());
  std::unique_lock lock(s.erase_mutex);
  s.erase_queue.push_back(&mine);
  s.erase_changed.wait(lock, [&] { return mine.result.has_value() || !s.erase_led; });
  if (!mine.result) {
    s.erase_led = true;
    const auto due = s.last_epoch + s.env.epoch_interval;
    if (const auto now = BootClock::now(); due > now) {
      lock.unlock();
      std::this_thread::sleep_for(due - now);
      lock.lock();
    }
    std::vector<State::PendingErase*> batch;
    batch.swap(s.erase_queue);
    lock.unlock();
    s.RunErases(batch);
    lock.lock();
    s.last_epoch = BootClock::now();
    s.erase_led = false;
    s.erase_changed.notify_all();
  }
  return std::move(*mine.result);
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
