#include <algorithm>

#include "custody/server/key_tree_state.h"

// Adding objects, and the commit that every change ends with.
namespace casemate::custody {

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

Result<std::vector<std::vector<std::uint32_t>>> KeyTree::State::RunCreates(
    const std::vector<PendingCreate*>& batch) {
  const std::lock_guard leading(commit_mutex);
  std::vector<std::vector<std::uint32_t>> slots;
  Result<Staged> staged = [&] {
    const std::lock_guard lock(mutex);
    return StageCreate(batch, slots);
  }();
  if (!staged) {
    return std::unexpected(staged.error());
  }
  if (Result<void> done = Commit(*staged); !done) {
    return std::unexpected(done.error());
  }
  const std::lock_guard lock(mutex);
  Install(std::move(*staged));
  return slots;
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
    Result<std::vector<std::vector<std::uint32_t>>> slots = s.RunCreates(batch);
    lock.lock();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (slots) {
        batch[i]->result = std::move((*slots)[i]);
      } else {
        batch[i]->result = std::unexpected(slots.error());
      }
    }
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

}  // namespace casemate::custody
