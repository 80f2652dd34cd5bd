#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "audit/verify/tile.h"

namespace casemate::audit {

// The right edge of a growing tree: at each level the hashes of the tile that is not full yet, at
// most 255, which is all that appending and the root need. Threads: as a std::vector.
class TreeEdge {
 public:
  TreeEdge() = default;
  // The edge of a tree of `size` out of its partial tiles, asked of `tiles`. Errors: the source's.
  [[nodiscard]] static Result<TreeEdge> Load(std::uint64_t size, const TileSource& tiles);

  // Called for each tile that becomes full, from the leaves up.
  using OnFull = std::function<void(const Tile& tile, std::span<const Digest> hashes)>;
  void Append(const Digest& leaf_hash, const OnFull& on_full);

  std::uint64_t size() const { return size_; }
  Digest Root() const;
  // The tiles that are not full: those with at least one hash, from the leaves up.
  std::vector<Tile> PartialTiles() const;
  std::span<const Digest> Hashes(unsigned level) const;

 private:
  std::uint64_t size_ = 0;
  std::vector<std::vector<Digest>> levels_;
};

}  // namespace casemate::audit
