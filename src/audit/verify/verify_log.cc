#include <algorithm>
#include <map>
#include <optional>

#include "audit/verify/journal_format.h"
#include "audit/verify/log_reader.h"
#include "audit/verify/tree_edge.h"
#include "base/file.h"

namespace casemate::audit {
namespace {

// A tile that is not what the entries make it.
struct Mismatch {
  Tile tile;
  std::uint64_t hash = 0;  // which of the tile
};

std::string EntriesPath(const Tile& tile) {
  return TilePath({.level = kEntriesLevel, .index = tile.index, .width = tile.width});
}

// One run over a log: entries first, then the files that no checkpoint needs (any more, or yet).
class Run {
 public:
  Run(const LogReader& reader, const std::filesystem::path& folder)
      : reader_(reader), folder_(folder), size_(reader.checkpoint().size) {}

  Result<VerifyReport> Verify() {
    if (Result<void> read = ReadEntries(); !read) {
      return std::unexpected(read.error());
    }
    if (Result<void> same = CompareRoot(); !same) {
      return std::unexpected(same.error());
    }
    if (Result<void> read = ReadJournal(); !read) {
      return std::unexpected(read.error());
    }
    if (Result<void> checked = CheckOtherFiles(); !checked) {
      return std::unexpected(checked.error());
    }
    return report_;
  }

 private:
  Result<void> ReadEntries() {
    report_.checkpoint = reader_.checkpoint();
    for (std::uint64_t first = 0; first < size_; first += kTileWidth) {
      const Tile tile = TileOf(kEntriesLevel, first, size_);
      const Result<std::vector<Bytes>> entries = reader_.ReadBundle(tile);
      if (!entries) {
        return std::unexpected(entries.error());
      }
      ++report_.files;
      for (const Bytes& entry : *entries) {
        if (const Result<Leaf> leaf = DecodeLeaf(entry); !leaf) {
          return Fail(ErrorCode::kIntegrityFailure, TilePath(tile) + ": entry " +
                                                        std::to_string(report_.entries) + ": " +
                                                        leaf.error().message);
        }
        Result<void> compared;
        edge_.Append(LeafHash(entry), [&](const Tile& full, std::span<const Digest> hashes) {
          if (compared) {
            compared = Compare(full, hashes);
          }
        });
        if (!compared) {
          return compared;
        }
        ++report_.entries;
      }
      last_bundle_ = *entries;
    }
    for (const Tile& partial : edge_.PartialTiles()) {
      if (Result<void> compared = Compare(partial, edge_.Hashes(partial.level)); !compared) {
        return compared;
      }
    }
    return {};
  }

  // Remembers the first difference instead of failing: the root tells later which side is wrong.
  Result<void> Compare(const Tile& tile, std::span<const Digest> expected) {
    const Result<std::vector<Digest>> found = reader_.ReadTile(tile);
    if (!found) {
      return std::unexpected(found.error());
    }
    ++report_.files;
    const auto [at, other] = std::ranges::mismatch(*found, expected);
    if (at != found->end() && !mismatch_) {
      mismatch_ = {.tile = tile, .hash = static_cast<std::uint64_t>(at - found->begin())};
    }
    return {};
  }

  Result<void> CompareRoot() const {
    const bool same_root = edge_.Root() == reader_.checkpoint().root;
    if (mismatch_ && same_root) {
      return Fail(ErrorCode::kIntegrityFailure, TilePath(mismatch_->tile) + ": hash " +
                                                    std::to_string(mismatch_->hash) +
                                                    " is not that of the entries");
    }
    if (mismatch_ && mismatch_->tile.level == 0) {
      return Fail(ErrorCode::kIntegrityFailure,
                  EntriesPath(mismatch_->tile) + ": entry " +
                      std::to_string((mismatch_->tile.index * kTileWidth) + mismatch_->hash) +
                      " is not the one that was signed (" + TilePath(mismatch_->tile) +
                      " holds another hash)");
    }
    if (!same_root) {
      return Fail(ErrorCode::kIntegrityFailure,
                  "checkpoint: the root of " + std::to_string(size_) +
                      " entries is another than the one signed: entries and tiles were changed");
    }
    return {};
  }

  // What the journal holds after the checkpoint may already be in tiles: a kill came between the
  // tiles and the checkpoint.
  Result<void> ReadJournal() {
    const Result<Bytes> file = ReadFile(folder_ / "journal", kMaxJournalBytes);
    if (!file) {
      return file.error().code == ErrorCode::kNotFound ? Result<void>()
                                                       : std::unexpected(file.error());
    }
    const Result<JournalEntries> journal = ReadJournalByForm(*file);
    if (!journal) {
      return std::unexpected(journal.error());
    }
    if (size_ % kTileWidth == 0) {
      last_bundle_.clear();
    }
    TreeEdge& edge = edge_;
    for (std::size_t i = 0; i < journal->entries.size(); ++i) {
      const std::uint64_t index = journal->first_index + i;
      if (index != edge.size()) {
        continue;
      }
      const ByteView entry = journal->entries[i];
      last_bundle_.emplace_back(entry.begin(), entry.end());
      edge.Append(LeafHash(entry), [this](const Tile& tile, std::span<const Digest> hashes) {
        later_[{tile.level, tile.index}].assign(hashes.begin(), hashes.end());
        if (tile.level == 0) {
          later_entries_[tile.index] = std::move(last_bundle_);
          last_bundle_.clear();
        }
      });
      ++report_.in_journal;
    }
    for (const Tile& tile : edge.PartialTiles()) {
      const std::span<const Digest> hashes = edge.Hashes(tile.level);
      later_[{tile.level, tile.index}].assign(hashes.begin(), hashes.end());
    }
    later_entries_[edge.size() / kTileWidth] = std::move(last_bundle_);
    return {};
  }

  Result<void> CheckOtherFiles() {
    std::error_code error;
    std::filesystem::recursive_directory_iterator walk(folder_ / "tile", error);
    const std::filesystem::recursive_directory_iterator end;
    for (; !error && walk != end; walk.increment(error)) {
      const std::string path = walk->path().lexically_relative(folder_).generic_string();
      // A file beside its final name is what a kill leaves of one that was being written.
      if (walk->is_directory(error) || path.ends_with(".new")) {
        continue;
      }
      const std::optional<Tile> tile = ParseTilePath(path);
      if (!tile) {
        return Fail(ErrorCode::kIntegrityFailure, path + ": no file of this log has that name");
      }
      const std::uint64_t hashes = HashesAtLevel(size_, tile->level);
      const std::uint64_t first = tile->index * kTileWidth;
      if (first < hashes && TileOf(tile->level, first, size_).width == tile->width) {
        continue;  // compared above
      }
      if (Result<void> checked = tile->level == kEntriesLevel ? CheckBundle(*tile) : Check(*tile);
          !checked) {
        return checked;
      }
      ++report_.files;
    }
    if (error && error != std::errc::no_such_file_or_directory) {
      return Fail(ErrorCode::kUnavailable, "tile: " + error.message());
    }
    return {};
  }

  static std::unexpected<Error> NotOfThisLog(const Tile& tile) {
    return Fail(ErrorCode::kIntegrityFailure,
                TilePath(tile) + ": neither the checkpoint nor the journal has what it holds");
  }

  Result<void> Check(const Tile& tile) const {
    Result<std::vector<Digest>> found = reader_.ReadTile(tile);
    if (!found) {
      return std::unexpected(found.error());
    }
    std::vector<Digest> known;
    if (const auto later = later_.find({tile.level, tile.index}); later != later_.end()) {
      known = later->second;
    } else if (tile.index * kTileWidth < HashesAtLevel(size_, tile.level)) {
      Result<std::vector<Digest>> read =
          reader_.ReadTile(TileOf(tile.level, tile.index * kTileWidth, size_));
      if (!read) {
        return std::unexpected(read.error());
      }
      known = std::move(*read);
    }
    return known.size() >= tile.width &&
                   std::ranges::equal(*found, std::span(known).first(tile.width))
               ? Result<void>()
               : NotOfThisLog(tile);
  }

  Result<void> CheckBundle(const Tile& tile) const {
    Result<std::vector<Bytes>> found = reader_.ReadBundle(tile);
    if (!found) {
      return std::unexpected(found.error());
    }
    std::vector<Bytes> known;
    if (const auto later = later_entries_.find(tile.index); later != later_entries_.end()) {
      known = later->second;
    } else if (tile.index * kTileWidth < size_) {
      Result<std::vector<Bytes>> read =
          reader_.ReadBundle(TileOf(kEntriesLevel, tile.index * kTileWidth, size_));
      if (!read) {
        return std::unexpected(read.error());
      }
      known = std::move(*read);
    }
    return known.size() >= tile.width &&
                   std::ranges::equal(*found, std::span(known).first(tile.width))
               ? Result<void>()
               : NotOfThisLog(tile);
  }

  const LogReader& reader_;
  const std::filesystem::path& folder_;
  const std::uint64_t size_;
  TreeEdge edge_;
  std::optional<Mismatch> mismatch_;
  std::vector<Bytes> last_bundle_;  // entries of the bundle that is not full yet
  // Tiles and bundles as the journal's entries make them, by level and index.
  std::map<std::pair<unsigned, std::uint64_t>, std::vector<Digest>> later_;
  std::map<std::uint64_t, std::vector<Bytes>> later_entries_;
  VerifyReport report_;
};

}  // namespace

Result<VerifyReport> LogReader::Verify() const { return Run(*this, folder_).Verify(); }

Result<VerifyReport> VerifyLog(const std::filesystem::path& folder,
                               const std::vector<VerifierKey>& keys,
                               std::string_view kept_checkpoint_note) {
  constexpr int kTries = 5;
  std::string last_note;
  for (int i = 0;; ++i) {
    Result<LogReader> reader = LogReader::Open(folder, keys);
    if (!reader) {
      return std::unexpected(reader.error());
    }
    Result<VerifyReport> report = reader->Verify();
    if (report && !kept_checkpoint_note.empty()) {
      if (Result<void> kept = reader->VerifyConsistentWith(kept_checkpoint_note); !kept) {
        report = std::unexpected(kept.error());
      }
    }
    // A failure counts once it comes back under the same checkpoint: the server moves files on.
    if (report || i + 1 == kTries || reader->checkpoint_note() == last_note) {
      return report;
    }
    last_note = reader->checkpoint_note();
  }
}

}  // namespace casemate::audit
