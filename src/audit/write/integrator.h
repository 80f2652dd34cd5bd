#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "audit/verify/checkpoint.h"
#include "audit/verify/tree_edge.h"
#include "crypto/signature.h"

namespace casemate::audit {

// Puts durable entries into tiles and signs checkpoints. What it holds in memory moves on only when
// the files are durable, so that a failed step is simply done again. Threads: Add one at a time;
// size at any time.
class Integrator {
 public:
  // A log that has no checkpoint yet: signs that of the empty tree.
  [[nodiscard]] static Result<void> Begin(const std::filesystem::path& folder,
                                          const std::string& origin,
                                          std::span<const crypto::SigningKey> keys);
  // Reads checkpoint and edge of the tree. `keys` must outlive this. Errors: kIntegrityFailure:
  // they do not fit together; the message names the file.
  [[nodiscard]] static Result<std::unique_ptr<Integrator>> Open(
      std::filesystem::path folder, std::string origin, std::span<const crypto::SigningKey> keys);

  // Tiles, then the checkpoint, then what the full tiles made needless. Errors: the disk's: the
  // checkpoint is the old one or the new one.
  [[nodiscard]] Result<void> Add(std::span<const Bytes> entries);
  // That the entry at `index`, below size(), is this one. Errors: kIntegrityFailure.
  [[nodiscard]] Result<void> Compare(std::uint64_t index, ByteView entry) const;

  std::uint64_t size() const { return size_.load(std::memory_order_acquire); }

 private:
  Integrator(std::filesystem::path folder, std::string origin,
             std::span<const crypto::SigningKey> keys, SubtreeSource leaves)
      : folder_(std::move(folder)),
        origin_(std::move(origin)),
        keys_(keys),
        leaves_(std::move(leaves)) {}

  std::filesystem::path folder_;
  std::string origin_;
  std::span<const crypto::SigningKey> keys_;
  SubtreeSource leaves_;       // of the tree that was opened
  TreeEdge edge_;              // of the checkpoint's tree
  std::vector<Bytes> bundle_;  // entries of its last bundle, unless that is full
  std::atomic<std::uint64_t> size_ = 0;
};

}  // namespace casemate::audit
