#include "audit/write/integrator.h"

#include "audit/verify/log_reader.h"
#include "audit/write/tile_files.h"
#include "base/clock.h"
#include "base/file.h"

namespace casemate::audit {
namespace {

constexpr std::string_view kCheckpointFile = "checkpoint";

Bytes Concatenated(std::span<const Digest> hashes) {
  Bytes out;
  out.reserve(hashes.size() * sizeof(Digest));
  for (const Digest& hash : hashes) {
    Put(out, hash);
  }
  return out;
}

Bytes Bundled(std::span<const Bytes> entries) {
  Bytes out;
  for (const Bytes& entry : entries) {
    AddToBundle(out, entry);
  }
  return out;
}

Result<void> WriteCheckpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint,
                             std::span<const crypto::SigningKey> keys) {
  const Result<std::string> note = SignCheckpoint(checkpoint, keys, UnixSeconds());
  if (!note) {
    return std::unexpected(note.error());
  }
  return WriteFileAtomically(folder / kCheckpointFile, AsBytes(*note));
}

}  // namespace

Result<void> Integrator::Begin(const std::filesystem::path& folder, const std::string& origin,
                               std::span<const crypto::SigningKey> keys) {
  return WriteCheckpoint(folder, {.origin = origin, .size = 0, .root = EmptyRoot()}, keys);
}

Result<std::unique_ptr<Integrator>> Integrator::Open(std::filesystem::path folder,
                                                     std::string origin,
                                                     std::span<const crypto::SigningKey> keys) {
  std::vector<VerifierKey> verifiers;
  for (const crypto::SigningKey& key : keys) {
    Result<VerifierKey> verifier = VerifierKey::Of(origin, key);
    if (!verifier) {
      return std::unexpected(verifier.error());
    }
    verifiers.push_back(std::move(*verifier));
  }
  Result<LogReader> reader = LogReader::Open(folder, std::move(verifiers));
  if (!reader) {
    return std::unexpected(reader.error());
  }
  const std::uint64_t size = reader->checkpoint().size;
  const TileSource tiles = [&reader](const Tile& tile) { return reader->ReadTile(tile); };
  Result<TreeEdge> edge = TreeEdge::Load(size, tiles);
  if (!edge) {
    return std::unexpected(edge.error());
  }
  if (edge->Root() != reader->checkpoint().root) {
    std::string names;
    for (const Tile& tile : edge->PartialTiles()) {
      names += (names.empty() ? "" : ", ") + TilePath(tile);
    }
    return Fail(ErrorCode::kIntegrityFailure,
                names + ": the root of these tiles is not the checkpoint's");
  }
  std::vector<Bytes> bundle;
  if (size % kTileWidth != 0) {
    const Tile tile = TileOf(kEntriesLevel, size - 1, size);
    Result<std::vector<Bytes>> entries = reader->ReadBundle(tile);
    if (!entries) {
      return std::unexpected(entries.error());
    }
    bundle = std::move(*entries);
    for (std::size_t i = 0; i < bundle.size(); ++i) {
      if (LeafHash(bundle[i]) != edge->Hashes(0)[i]) {
        return Fail(ErrorCode::kIntegrityFailure,
                    TilePath(tile) + ": entry " + std::to_string((tile.index * kTileWidth) + i) +
                        " is not the one that was signed");
      }
    }
  }
  const auto kept = std::make_shared<LogReader>(std::move(*reader));
  std::unique_ptr<Integrator> integrator(new Integrator(
      std::move(folder), std::move(origin), keys,
      SourceOfTiles(size, [kept](const Tile& tile) { return kept->ReadTile(tile); })));
  integrator->edge_ = std::move(*edge);
  integrator->bundle_ = std::move(bundle);
  integrator->size_ = size;
  return integrator;
}

Result<void> Integrator::Compare(std::uint64_t index, ByteView entry) const {
  const Result<Digest> hash = leaves_(0, index);
  if (!hash) {
    return std::unexpected(hash.error());
  }
  if (*hash != LeafHash(entry)) {
    return Fail(ErrorCode::kIntegrityFailure,
                "journal: entry " + std::to_string(index) + " is another than the tiles have");
  }
  return {};
}

Result<void> Integrator::Add(std::span<const Bytes> entries) {
  TreeEdge edge = edge_;
  std::vector<Bytes> bundle = bundle_;
  std::vector<TileFile> files;
  std::vector<Tile> full;
  for (const Bytes& entry : entries) {
    bundle.push_back(entry);
    edge.Append(LeafHash(entry), [&](const Tile& tile, std::span<const Digest> hashes) {
      files.push_back({.tile = tile, .content = Concatenated(hashes)});
      full.push_back(tile);
      if (tile.level == 0) {
        const Tile name{.level = kEntriesLevel, .index = tile.index, .width = kTileWidth};
        files.push_back({.tile = name, .content = Bundled(bundle)});
        full.push_back(name);
        bundle.clear();
      }
    });
  }
  for (const Tile& tile : edge.PartialTiles()) {
    files.push_back({.tile = tile, .content = Concatenated(edge.Hashes(tile.level))});
  }
  if (!bundle.empty()) {
    files.push_back(
        {.tile = TileOf(kEntriesLevel, edge.size() - 1, edge.size()), .content = Bundled(bundle)});
  }
  // The order survives a kill at any point: a checkpoint names only tiles that are durable, and a
  // partial tile goes only after the full one is under a checkpoint.
  if (Result<void> written = WriteTileFiles(folder_, files); !written) {
    return written;
  }
  if (Result<void> written = WriteCheckpoint(
          folder_, {.origin = origin_, .size = edge.size(), .root = edge.Root()}, keys_);
      !written) {
    return written;
  }
  for (const Tile& tile : full) {
    RemovePartials(folder_, tile);
  }
  edge_ = std::move(edge);
  bundle_ = std::move(bundle);
  size_.store(edge_.size(), std::memory_order_release);
  return {};
}

}  // namespace casemate::audit
