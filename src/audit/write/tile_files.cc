#include "audit/write/tile_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <set>

#include "base/fd.h"
#include "base/file.h"

namespace casemate::audit {
namespace {

Result<void> WriteOne(const std::filesystem::path& path, ByteView content) {
  const std::filesystem::path beside = path.string() + ".new";
  const UniqueFd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    return FailErrno("create " + beside.string());
  }
  if (Result<void> written = WriteAll(fd.get(), content); !written) {
    ::unlink(beside.c_str());
    return Wrap(written.error(), beside.string());
  }
  if (::fdatasync(fd.get()) != 0 || ::rename(beside.c_str(), path.c_str()) != 0) {
    return FailErrno("write " + path.string());
  }
  return {};
}

}  // namespace

Result<void> WriteTileFiles(const std::filesystem::path& folder, std::span<const TileFile> files) {
  std::set<std::filesystem::path> folders;
  for (const TileFile& file : files) {
    const std::filesystem::path path = folder / TilePath(file.tile);
    for (std::filesystem::path up = path.parent_path(); folders.insert(up).second && up != folder;
         up = up.parent_path()) {
    }
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error) {
      return Fail(ErrorCode::kUnavailable,
                  "create " + path.parent_path().string() + ": " + error.message());
    }
    if (Result<void> written = WriteOne(path, file.content); !written) {
      return written;
    }
  }
  for (const std::filesystem::path& one : folders) {
    if (Result<void> synced = SyncFolder(one); !synced) {
      return synced;
    }
  }
  return {};
}

void RemovePartials(const std::filesystem::path& folder, const Tile& full) {
  std::error_code ignored;
  std::filesystem::remove_all(folder / (TilePath(full) + ".p"), ignored);
}

}  // namespace casemate::audit
