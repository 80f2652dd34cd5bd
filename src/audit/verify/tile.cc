#include "audit/verify/tile.h"

#include <charconv>
#include <memory>

namespace casemate::audit {
namespace {

// A decimal number without leading zeroes, at most `most`.
std::optional<std::uint64_t> ParseNumber(std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      (text.size() > 1 && text[0] == '0') || value > most) {
    return std::nullopt;
  }
  return value;
}

std::string ThreeDigits(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  return std::string(3 - digits.size(), '0') + digits;
}

}  // namespace

std::string TilePath(const Tile& tile) {
  std::string number = ThreeDigits(tile.index % 1000);
  for (std::uint64_t rest = tile.index / 1000; rest > 0; rest /= 1000) {
    number = "x" + ThreeDigits(rest % 1000) + "/" + number;
  }
  const std::string level =
      tile.level == kEntriesLevel ? std::string("entries") : std::to_string(tile.level);
  const std::string path = "tile/" + level + "/" + number;
  return tile.width == kTileWidth ? path : path + ".p/" + std::to_string(tile.width);
}

std::optional<Tile> ParseTilePath(std::string_view path) {
  constexpr std::string_view kFolder = "tile/";
  if (!path.starts_with(kFolder)) {
    return std::nullopt;
  }
  std::string_view rest = path.substr(kFolder.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  Tile tile;
  if (rest.substr(0, slash) == "entries") {
    tile.level = kEntriesLevel;
  } else if (const auto level = ParseNumber(rest.substr(0, slash), 63)) {
    tile.level = static_cast<unsigned>(*level);
  } else {
    return std::nullopt;
  }
  rest = rest.substr(slash + 1);
  if (const std::size_t partial = rest.find(".p/"); partial != std::string_view::npos) {
    const auto width = ParseNumber(rest.substr(partial + 3), kTileWidth - 1);
    if (!width || *width == 0) {
      return std::nullopt;
    }
    tile.width = *width;
    rest = rest.substr(0, partial);
  }
  // Six groups reach past any index that a size of 64 bits has at level 0.
  for (unsigned groups = 0; groups < 6; ++groups) {
    const bool more = rest.starts_with('x');
    const std::string_view digits = rest.substr(more ? 1 : 0, 3);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.size() != 3 || error != std::errc() || end != digits.data() + 3) {
      return std::nullopt;
    }
    tile.index = (tile.index * 1000) + value;
    rest = rest.substr(more ? 4 : 3);
    if (!more) {
      // One spelling for each tile: what TilePath writes.
      return rest.empty() && TilePath(tile) == path ? std::optional(tile) : std::nullopt;
    }
    if (!rest.starts_with('/')) {
      return std::nullopt;
    }
    rest = rest.substr(1);
  }
  return std::nullopt;
}

std::uint64_t HashesAtLevel(std::uint64_t size, unsigned level) {
  const unsigned shift = level == kEntriesLevel ? 0 : level * kTileHeight;
  return shift >= 64 ? 0 : size >> shift;
}

Tile TileOf(unsigned level, std::uint64_t index, std::uint64_t size) {
  const std::uint64_t tile = index / kTileWidth;
  const std::uint64_t left = HashesAtLevel(size, level) - (tile * kTileWidth);
  return {.level = level, .index = tile, .width = std::min(left, kTileWidth)};
}

Result<std::vector<ByteView>> SplitBundle(ByteView bundle, std::uint64_t count) {
  std::vector<ByteView> entries;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (bundle.size() < 2 || bundle.size() - 2 < GetU16(bundle)) {
      return Fail(ErrorCode::kIntegrityFailure, "entry " + std::to_string(i) + " of " +
                                                    std::to_string(count) +
                                                    " of the bundle ends after the file");
    }
    const std::size_t size = GetU16(bundle);
    entries.push_back(bundle.subspan(2, size));
    bundle = bundle.subspan(2 + size);
  }
  if (!bundle.empty()) {
    return Fail(ErrorCode::kIntegrityFailure, std::to_string(bundle.size()) + " bytes after the " +
                                                  std::to_string(count) + " entries of the bundle");
  }
  return entries;
}

void AddToBundle(Bytes& bundle, ByteView entry) {
  PutU16(bundle, static_cast<std::uint16_t>(entry.size()));
  Put(bundle, entry);
}

SubtreeSource SourceOfTiles(std::uint64_t size, TileSource tiles) {
  struct Kept {
    Tile tile{.width = 0};
    std::vector<Digest> hashes;
  };
  const auto kept = std::make_shared<Kept>();  // the function is copied, what it keeps is not
  return [size, tiles = std::move(tiles), kept](unsigned height,
                                                std::uint64_t index) -> Result<Digest> {
    // The subtree is 2^(height % 8) hashes of one tile at level height / 8.
    const unsigned within = height % kTileHeight;
    const std::uint64_t first = index << within;
    const Tile tile = TileOf(height / kTileHeight, first, size);
    if (tile != kept->tile) {
      Result<std::vector<Digest>> hashes = tiles(tile);
      if (!hashes) {
        return std::unexpected(hashes.error());
      }
      kept->hashes = std::move(*hashes);
      kept->tile = tile;
    }
    const std::span<const Digest> all = kept->hashes;
    return SourceOf(all.subspan(first % kTileWidth, std::size_t{1} << within))(within, 0);
  };
}

}  // namespace casemate::audit
