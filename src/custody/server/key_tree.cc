#include "custody/server/key_tree.h"

#include <algorithm>

#include "custody/server/key_tree_state.h"

// What a tree is asked.
namespace casemate::custody {

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
  if (destroyed) {
    return Fail(ErrorCode::kNotFound, "the tenant was removed");
  }
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

Result<std::vector<ObjectEntry>> KeyTree::DerivedFrom(std::uint32_t slot) {
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  std::vector<ObjectEntry> entries;
  const auto [begin, end] = s.derived.equal_range(slot);
  for (auto it = begin; it != end; ++it) {
    Result<std::shared_ptr<const KeyNode>> leaf = s.Load(LeafOf(it->second));
    if (!leaf) {
      return std::unexpected(leaf.error());
    }
    // The map may name what was erased by itself: only what still says so counts.
    const std::uint32_t entry = it->second % kFanOut;
    if (*leaf && (*leaf)->HasObject(entry) && (*leaf)->Object(entry).source == slot) {
      entries.push_back((*leaf)->Object(entry));
    }
  }
  return entries;
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
