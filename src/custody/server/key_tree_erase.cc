#include <thread>
#include <unordered_set>

#include "custody/server/key_tree_state.h"

// Erasing objects: a new epoch.
namespace casemate::custody {

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

Result<Erased> KeyTree::State::RunErases(const std::vector<PendingErase*>& batch) {
  std::vector<ObjectRef> all;
  for (const PendingErase* pending : batch) {
    all.insert(all.end(), pending->objects.begin(), pending->objects.end());
  }
  return EraseNow(all);
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
    const Result<Erased> erased = s.RunErases(batch);
    lock.lock();
    for (State::PendingErase* pending : batch) {
      pending->result = erased;  // each learns of the whole epoch
    }
    s.last_epoch = BootClock::now();
    s.erase_led = false;
    s.erase_changed.notify_all();
  }
  return std::move(*mine.result);
}

}  // namespace casemate::custody
