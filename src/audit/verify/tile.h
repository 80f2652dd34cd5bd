#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/verify/merkle.h"

// How a tree lies in files: C2SP tlog-tiles (https://c2sp.org/tlog-tiles). Paths are relative to
// the log's folder.
namespace casemate::audit {

inline constexpr std::uint64_t kTileWidth = 256;  // hashes or entries of a full tile
inline constexpr unsigned kTileHeight = 8;        // levels of the tree that one tile spans
inline constexpr unsigned kEntriesLevel = 64;     // names entry bundles where a level is asked for

// One tile or entry bundle. `width` is 1 to 256; below 256 it is partial.
struct Tile {
  unsigned level = 0;  // 0 to 63, or kEntriesLevel
  std::uint64_t index = 0;
  std::uint64_t width = kTileWidth;
  auto operator<=>(const Tile&) const = default;
};

// "tile/1/x001/x234/067", "tile/entries/000.p/112".
std::string TilePath(const Tile& tile);
// Nothing: a path that TilePath would not write.
std::optional<Tile> ParseTilePath(std::string_view path);

// Hashes at this level of a tree of `size`: floor(size / 256^level). Entries count as level 0.
std::uint64_t HashesAtLevel(std::uint64_t size, unsigned level);
// The tile that holds hash `index` of the level in a tree of `size`, as wide as that tree makes it.
Tile TileOf(unsigned level, std::uint64_t index, std::uint64_t size);

// A bundle is u16 big-endian length || entry, one after another. Errors: kIntegrityFailure: not
// exactly `count` entries; the message tells which one of the bundle.
[[nodiscard]] Result<std::vector<ByteView>> SplitBundle(ByteView bundle, std::uint64_t count);
void AddToBundle(Bytes& bundle, ByteView entry);

// Reads the hashes of one tile, of exactly its width, or fails.
using TileSource = std::function<Result<std::vector<Digest>>(const Tile& tile)>;
// The subtrees of a tree of `size` out of its tiles; the last tile read is kept.
SubtreeSource SourceOfTiles(std::uint64_t size, TileSource tiles);

}  // namespace casemate::audit
