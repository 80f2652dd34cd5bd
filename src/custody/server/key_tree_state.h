#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "custody/server/key_tree.h"

// Inside this folder only.
namespace casemate::custody {

inline constexpr NodeAddress kRoot{kRootLevel, 0};

inline NodeAddress ParentOf(const NodeAddress& address) {
  return {static_cast<std::uint8_t>(address.level - 1), address.index / kFanOut};
}

inline NodeAddress LeafOf(std::uint32_t slot) { return {kLeafLevel, slot / kFanOut}; }

// What the wrapping of a root key binds.
Bytes RootKeyContext(const TenantId& tenant, std::uint64_t epoch);

struct KeyTree::State {
  // What a change will put in place once it is durable.
  struct Staged {
    TreeChange change;
    TreeHead head;
    std::optional<Key> root_key;                                  // erasure only
    std::map<NodeAddress, std::shared_ptr<const KeyNode>> nodes;  // to keep opened
    std::vector<NodeAddress> dropped;
    std::vector<std::uint32_t> added;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> lineage;  // source, slot
    std::vector<std::uint32_t> removed;
    std::uint32_t next_slot = 0;
  };
  struct PendingCreate {
    std::vector<NewEntry> entries;
    std::vector<StoredDocument> documents;
    std::optional<crypto::Digest> state;
    std::optional<Result<std::vector<std::uint32_t>>> result;  // guarded by create_mutex
  };
  struct PendingErase {
    std::vector<ObjectRef> objects;
    std::optional<Result<Erased>> result;  // guarded by erase_mutex
  };
  struct Cached {
    std::shared_ptr<const KeyNode> node;
    std::uint64_t used = 0;
  };
  static constexpr std::size_t kMaxCachedNodes = 64;  // 1.5 MB of locked memory at most

  State(TreeEnvironment& environment, const TenantId& id) : env(environment), tenant(id) {}

  // Under `mutex`:
  Result<std::shared_ptr<const KeyNode>> Load(const NodeAddress& address);
  Result<std::shared_ptr<const KeyNode>> LoadUncached(const NodeAddress& address);
  void Keep(std::shared_ptr<const KeyNode> node);
  Result<std::uint32_t> PickSlot(Staged& staged, std::uint32_t& cursor);
  Result<Staged> StageCreate(std::span<PendingCreate* const> batch,
                             std::vector<std::vector<std::uint32_t>>& slots);
  Result<Staged> StageErase(const std::vector<std::uint32_t>& slots);
  void Install(Staged staged);
  std::vector<std::uint32_t> WithDescendants(std::span<const ObjectRef> objects);
  Result<void> Scan();

  // Without `mutex`, by one leader at a time:
  Result<void> Commit(Staged& staged);
  // Slots of each of the batch.
  Result<std::vector<std::vector<std::uint32_t>>> RunCreates(
      const std::vector<PendingCreate*>& batch);
  Result<Erased> RunErases(const std::vector<PendingErase*>& batch);
  Result<Erased> EraseNow(std::span<const ObjectRef> objects);
  Result<void> PutAnchor();
  Result<void> DestroyOldEpochKeys();
  Result<void> SignHead(Staged& staged);

  TreeEnvironment& env;
  const TenantId tenant;

  // Lock order: commit_mutex, mutex, env.store_mutex. Queue mutexes are held alone.
  std::mutex commit_mutex;   // one change at a time, from staging to installing
  mutable std::mutex mutex;  // guards what follows, and only for as long as memory takes
  TreeHead head;
  std::optional<Key> root_key;
  Bytes wrapped_root_key;
  Bytes note;
  std::map<NodeAddress, Cached> cache;
  std::uint64_t uses = 0;
  std::uint64_t idle_since = 0;  // value of `uses` at the last DropIdleNodes
  std::unordered_multimap<std::uint32_t, std::uint32_t> derived;  // source slot -> slot
  std::map<std::uint32_t, std::uint16_t> leaf_counts;             // leaf index -> live entries
  std::uint64_t live = 0;
  std::uint32_t next_slot = 0;
  std::uint64_t anchored_sequence = 0;
  bool destroyed = false;

  std::mutex create_mutex;  // guards the queue of creations
  std::condition_variable create_changed;
  std::vector<PendingCreate*> create_queue;
  bool create_led = false;

  std::mutex erase_mutex;  // guards the queue of erasures
  std::condition_variable erase_changed;
  std::vector<PendingErase*> erase_queue;
  bool erase_led = false;
  BootClock::time_point last_epoch{};
};

}  // namespace casemate::custody
