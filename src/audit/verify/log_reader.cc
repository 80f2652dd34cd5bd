#include "audit/verify/log_reader.h"

#include <algorithm>

#include "audit/verify/journal_format.h"
#include "base/file.h"

namespace casemate::audit {
namespace {

constexpr std::size_t kMaxBundleBytes = kTileWidth * (2 + 65535);

std::string NameOf(const Tile& tile, std::uint64_t entry) {
  return TilePath(tile) + ": entry " + std::to_string(entry);
}

// The file of the tile, or else the full one.
Result<Bytes> ReadTileFile(const std::filesystem::path& folder, Tile& tile, std::size_t max_bytes) {
  Result<Bytes> content = ReadFile(folder / TilePath(tile), max_bytes);
  if (!content && content.error().code == ErrorCode::kNotFound && tile.width < kTileWidth) {
    Tile full = tile;
    full.width = kTileWidth;
    if (Result<Bytes> whole = ReadFile(folder / TilePath(full), max_bytes); whole) {
      tile = full;
      return whole;
    }
  }
  if (!content && content.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kIntegrityFailure, TilePath(tile) + ": the file is missing");
  }
  return content;
}

}  // namespace

Result<LogReader> LogReader::Open(std::filesystem::path folder, std::vector<VerifierKey> keys) {
  LogReader reader(std::move(folder), std::move(keys));
  const Result<Bytes> note = ReadFile(reader.folder_ / "checkpoint", kMaxNoteBytes);
  if (!note) {
    return std::unexpected(note.error());
  }
  Result<Checkpoint> checkpoint = OpenCheckpoint(AsText(*note), reader.keys_);
  if (!checkpoint) {
    return Wrap(checkpoint.error(), "checkpoint");
  }
  reader.note_ = std::string(AsText(*note));
  reader.checkpoint_ = std::move(*checkpoint);
  return reader;
}

Result<std::vector<Digest>> LogReader::ReadTile(const Tile& wanted) const {
  Tile tile = wanted;
  const Result<Bytes> content = ReadTileFile(folder_, tile, kTileWidth * sizeof(Digest));
  if (!content) {
    return std::unexpected(content.error());
  }
  if (content->size() != tile.width * sizeof(Digest)) {
    return Fail(ErrorCode::kIntegrityFailure,
                TilePath(tile) + ": expected " + std::to_string(tile.width * sizeof(Digest)) +
                    " bytes, found " + std::to_string(content->size()));
  }
  std::vector<Digest> hashes(wanted.width);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    std::ranges::copy(ByteView(*content).subspan(i * sizeof(Digest), sizeof(Digest)),
                      hashes[i].begin());
  }
  return hashes;
}

Result<std::vector<Bytes>> LogReader::ReadBundle(const Tile& wanted) const {
  Tile tile = wanted;
  const Result<Bytes> content = ReadTileFile(folder_, tile, kMaxBundleBytes);
  if (!content) {
    return std::unexpected(content.error());
  }
  const Result<std::vector<ByteView>> entries = SplitBundle(*content, tile.width);
  if (!entries) {
    return Wrap(entries.error(), TilePath(tile));
  }
  std::vector<Bytes> out;
  for (const ByteView entry : std::span(*entries).first(wanted.width)) {
    out.emplace_back(entry.begin(), entry.end());
  }
  return out;
}

Result<void> LogReader::ShowBundle(const Tile& bundle, std::uint64_t first, std::uint64_t count,
                                   const std::function<bool(const ShownLeaf&)>& visit,
                                   bool& go_on) const {
  const Result<std::vector<Bytes>> entries = ReadBundle(bundle);
  if (!entries) {
    return std::unexpected(entries.error());
  }
  Tile leaves = bundle;
  leaves.level = 0;
  const Result<std::vector<Digest>> hashes = ReadTile(leaves);
  if (!hashes) {
    return std::unexpected(hashes.error());
  }
  for (std::size_t i = 0; i < entries->size() && go_on; ++i) {
    const std::uint64_t index = (bundle.index * kTileWidth) + i;
    if (index < first || index - first >= count) {
      continue;
    }
    if (LeafHash((*entries)[i]) != (*hashes)[i]) {
      return Fail(ErrorCode::kIntegrityFailure,
                  NameOf(bundle, index) + " does not hash to what " + TilePath(leaves) + " holds");
    }
    const Result<Leaf> leaf = DecodeLeaf((*entries)[i]);
    if (!leaf) {
      return Fail(ErrorCode::kIntegrityFailure,
                  NameOf(bundle, index) + ": " + leaf.error().message);
    }
    go_on = visit({.index = index, .leaf = *leaf, .in_checkpoint = true});
  }
  return {};
}

Result<void> LogReader::Show(std::uint64_t first, std::uint64_t count,
                             const std::function<bool(const ShownLeaf&)>& visit) const {
  const std::uint64_t size = checkpoint_.size;
  bool go_on = true;
  for (std::uint64_t tile = first / kTileWidth;
       go_on && tile * kTileWidth < size &&
       (tile * kTileWidth <= first || (tile * kTileWidth) - first < count);
       ++tile) {
    if (Result<void> shown =
            ShowBundle(TileOf(kEntriesLevel, tile * kTileWidth, size), first, count, visit, go_on);
        !shown) {
      return shown;
    }
  }
  const Result<Bytes> journal = ReadFile(folder_ / "journal", kMaxJournalBytes);
  if (!go_on || (!journal && journal.error().code == ErrorCode::kNotFound)) {
    return {};  // a copy of the log alone has no journal
  }
  if (!journal) {
    return std::unexpected(journal.error());
  }
  const Result<JournalEntries> entries = ReadJournalByForm(*journal);
  if (!entries) {
    return std::unexpected(entries.error());
  }
  for (std::size_t i = 0; i < entries->entries.size() && go_on; ++i) {
    const std::uint64_t index = entries->first_index + i;
    if (index < size || index < first || index - first >= count) {
      continue;
    }
    const Result<Leaf> leaf = DecodeLeaf(entries->entries[i]);
    if (!leaf) {
      return Fail(ErrorCode::kIntegrityFailure,
                  "journal: entry " + std::to_string(index) + ": " + leaf.error().message);
    }
    go_on = visit({.index = index, .leaf = *leaf, .in_checkpoint = false});
  }
  return {};
}

Result<std::string> LogReader::Prove(std::uint64_t index) const {
  const std::uint64_t size = checkpoint_.size;
  if (index >= size) {
    return Fail(ErrorCode::kNotFound, "entry " + std::to_string(index) +
                                          ": the checkpoint has entries 0 to " +
                                          std::to_string(size) + ", without the last number");
  }
  Result<std::vector<Bytes>> bundle = ReadBundle(TileOf(kEntriesLevel, index, size));
  if (!bundle) {
    return std::unexpected(bundle.error());
  }
  Result<std::vector<Digest>> path = InclusionProof(
      index, size, SourceOfTiles(size, [this](const Tile& tile) { return ReadTile(tile); }));
  if (!path) {
    return std::unexpected(path.error());
  }
  const std::string text = FormatProof({.extra = std::move((*bundle)[index % kTileWidth]),
                                        .index = index,
                                        .path = std::move(*path),
                                        .checkpoint = note_});
  if (Result<Proven> proven = VerifyProof(text, keys_); !proven) {
    return Wrap(proven.error(), NameOf(TileOf(kEntriesLevel, index, size), index));
  }
  return text;
}

Result<void> LogReader::VerifyConsistentWith(std::string_view kept_checkpoint_note) const {
  const Result<Checkpoint> kept = OpenCheckpoint(kept_checkpoint_note, keys_);
  if (!kept) {
    return Wrap(kept.error(), "the checkpoint that was kept");
  }
  if (kept->size > checkpoint_.size) {
    return Fail(ErrorCode::kIntegrityFailure,
                "checkpoint: the log has " + std::to_string(checkpoint_.size) +
                    " entries, the checkpoint that was kept " + std::to_string(kept->size) +
                    ": entries are gone");
  }
  // The tiles are compared with the present root by Verify; here the old root must come out of
  // them.
  const Result<Digest> root = RootHash(
      kept->size,
      SourceOfTiles(checkpoint_.size, [this](const Tile& tile) { return ReadTile(tile); }));
  if (!root) {
    return std::unexpected(root.error());
  }
  if (*root != kept->root) {
    return Fail(ErrorCode::kIntegrityFailure,
                "checkpoint: the first " + std::to_string(kept->size) +
                    " entries are not those of the checkpoint that was kept");
  }
  return {};
}

}  // namespace casemate::audit
