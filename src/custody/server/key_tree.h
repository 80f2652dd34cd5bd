#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "crypto/signature.h"
#include "custody/messages.h"
#include "custody/server/key_node.h"
#include "custody/server/token.h"
#include "custody/server/tree_head.h"
#include "custody/server/tree_store.h"

namespace casemate::custody {

// What all trees of one deployment share. Outlives them.
struct TreeEnvironment {
  Token& token;
  TreeStore& store;
  std::mutex store_mutex;  // guards `store`
  TenantId deployment;
  std::vector<crypto::SigningKey> head_keys;  // Ed25519, ML-DSA-44; set once, before any change
  std::function<std::uint64_t()> log_size;    // of the last checkpoint
  // Erasures that come within this time of each other share an epoch.
  std::chrono::milliseconds epoch_interval{1000};
};

struct NewEntry {
  ObjectEntry object;
  Key secret;
};

struct Erased {
  std::uint64_t epoch = 0;
  std::vector<ObjectRef> objects;  // descendants too
};

// The object secrets of one tenant: 256-ary, three levels, every node sealed under its parent's
// entry, the root under a key that only the token's epoch key unwraps. docs/formats/key_tree.md.
// Threads: all members may run at the same time; changes of several callers share a commit.
class KeyTree {
 public:
  // A new epoch key in the token and an empty tree; on disk with the first Create. Errors:
  // kConflict: the token has an epoch key of this tenant.
  [[nodiscard]] static Result<std::unique_ptr<KeyTree>> Make(TreeEnvironment& environment,
                                                             const TenantId& tenant);
  // Opens every node once: finds damage, lineage and free slots (25 KB to read per 256
  // objects).
  // The head's signatures are not looked at: VerifyHead. Errors: kIntegrityFailure: damaged, or
  // older than the token's anchor, or of an epoch whose key the token does not have.
  [[nodiscard]] static Result<std::unique_ptr<KeyTree>> Open(TreeEnvironment& environment,
                                                             const StoredHead& stored);
  ~KeyTree();

  [[nodiscard]] Result<void> VerifyHead() const;
  // After everything was verified: destroys epoch keys that a crash left behind (an erasure that
  // was durable and not yet acknowledged is finished by this) and writes the anchor.
  [[nodiscard]] Result<void> Settle();

  // Durable on return; the slots in order. `documents` go into the same commit; the first change of
  // a tree must have entries. Errors: kResourceExhausted: tree, disk or locked memory is full.
  [[nodiscard]] Result<std::vector<std::uint32_t>> Create(std::vector<NewEntry> entries);
  // A document of the system tenant; the head then holds the digest of `sealed`.
  [[nodiscard]] Result<void> PutState(const std::string& name, Bytes sealed);
  // As Create, with documents: how a deployment begins.
  [[nodiscard]] Result<std::vector<std::uint32_t>> CreateWith(std::vector<NewEntry> entries,
                                                              std::vector<StoredDocument> documents,
                                                              const crypto::Digest& state);

  // Runs `use` for each, in order, until one fails. Errors: kNotFound, detail names the id: erased,
  // or never there.
  using EntryUse =
      std::function<Result<void>(std::size_t index, const ObjectEntry& entry, KeyView secret)>;
  [[nodiscard]] Result<void> WithObjects(std::span<const ObjectRef> objects, const EntryUse& use);

  // What was made from the object at `slot` and is still there.
  [[nodiscard]] Result<std::vector<ObjectEntry>> DerivedFrom(std::uint32_t slot);

  // Commits an epoch without these objects and their descendants; on return it is durable, and the
  // old epoch key has been destroyed in the token and looked for in vain. Objects that are gone
  // already are skipped.
  [[nodiscard]] Result<Erased> Erase(std::span<const ObjectRef> objects);

  // Destroys every epoch key of the tenant in the token and looks for them in vain, wipes what is
  // opened, and deletes the tree from the store. Afterwards everything fails with kNotFound. May be
  // repeated after an error.
  [[nodiscard]] Result<void> Destroy();

  // Writes the anchor, if the head has changed since the last one.
  [[nodiscard]] Result<void> Anchor();
  // Drops opened nodes that were not used since the last call.
  void DropIdleNodes();

  const TenantId& tenant() const;
  TreeHead head() const;
  std::uint64_t objects() const;

  struct State;

 private:
  explicit KeyTree(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Destroy, for a tree that was not opened: what a crash in the middle of it left behind.
[[nodiscard]] Result<void> DestroyTree(TreeEnvironment& environment, const TenantId& tenant);

std::string EpochKeyLabel(const TenantId& tenant, std::uint64_t epoch);
std::string EpochKeyPrefix(const TenantId& tenant);
std::string AnchorLabel(const TenantId& tenant);

}  // namespace casemate::custody
