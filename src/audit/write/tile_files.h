#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "audit/verify/tile.h"

namespace casemate::audit {

struct TileFile {
  Tile tile;
  Bytes content;
};

// Writes files under `folder`, each beside its name, synced and renamed, then syncs every folder on
// the way: on return all of them are durable, and after a crash each is there whole or not at all.
// A file that is there already is replaced. Errors: kResourceExhausted, kUnavailable: the disk.
[[nodiscard]] Result<void> WriteTileFiles(const std::filesystem::path& folder,
                                          std::span<const TileFile> files);

// Removes the partial files of a tile whose full file is durable. What cannot be removed stays and
// does no harm.
void RemovePartials(const std::filesystem::path& folder, const Tile& full);

}  // namespace casemate::audit
