#include "audit/verify/tree_edge.h"

#include <bit>

namespace casemate::audit {

Result<TreeEdge> TreeEdge::Load(std::uint64_t size, const TileSource& tiles) {
  TreeEdge edge;
  edge.size_ = size;
  for (unsigned level = 0; HashesAtLevel(size, level) > 0; ++level) {
    const std::uint64_t count = HashesAtLevel(size, level);
    std::vector<Digest>& hashes = edge.levels_.emplace_back();
    if (count % kTileWidth != 0) {
      Result<std::vector<Digest>> read = tiles(TileOf(level, count - 1, size));
      if (!read) {
        return std::unexpected(read.error());
      }
      hashes = std::move(*read);
    }
  }
  return edge;
}

void TreeEdge::Append(const Digest& leaf_hash, const OnFull& on_full) {
  ++size_;
  Digest hash = leaf_hash;
  for (unsigned level = 0;; ++level) {
    if (level == levels_.size()) {
      levels_.emplace_back();
    }
    std::vector<Digest>& hashes = levels_[level];
    hashes.push_back(hash);
    if (hashes.size() < kTileWidth) {
      return;
    }
    on_full({.level = level,
             .index = (HashesAtLevel(size_, level) / kTileWidth) - 1,
             .width = kTileWidth},
            hashes);
    hash = *SourceOf(hashes)(kTileHeight, 0);
    hashes.clear();
  }
}

Digest TreeEdge::Root() const {
  // The whole subtrees that the size's binary digits name, largest first, folded from the right
  // (RFC 6962, section 2.1).
  std::vector<Digest> subtrees;
  for (std::size_t level = levels_.size(); level-- > 0;) {
    const std::span<const Digest> hashes = levels_[level];
    std::size_t done = 0;
    for (unsigned bit = kTileHeight; bit-- > 0;) {
      const std::size_t width = std::size_t{1} << bit;
      if ((hashes.size() & width) != 0) {
        subtrees.push_back(*SourceOf(hashes.subspan(done, width))(bit, 0));
        done += width;
      }
    }
  }
  if (subtrees.empty()) {
    return EmptyRoot();
  }
  Digest root = subtrees.back();
  for (std::size_t i = subtrees.size() - 1; i-- > 0;) {
    root = NodeHash(subtrees[i], root);
  }
  return root;
}

std::vector<Tile> TreeEdge::PartialTiles() const {
  std::vector<Tile> tiles;
  for (unsigned level = 0; level < levels_.size(); ++level) {
    if (!levels_[level].empty()) {
      tiles.push_back({.level = level,
                       .index = HashesAtLevel(size_, level) / kTileWidth,
                       .width = levels_[level].size()});
    }
  }
  return tiles;
}

std::span<const Digest> TreeEdge::Hashes(unsigned level) const {
  return level < levels_.size() ? std::span<const Digest>(levels_[level])
                                : std::span<const Digest>();
}

}  // namespace casemate::audit
