#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fd.h"

// Files whose content is public or sealed. Plaintext is never written to a file.
namespace casemate {

// Reads a whole file of at most `max_bytes`. Errors: kNotFound, kTooLarge, kUnavailable.
[[nodiscard]] Result<Bytes> ReadFile(const std::filesystem::path& path, std::size_t max_bytes);

// Replaces `path` so that after a crash either the old or the new content is there, whole: written
// beside it, fdatasync(2), rename(2), fsync(2) of the folder. `mode` is what open(2) takes.
// Errors: kResourceExhausted (disk full: the old file is untouched), kUnavailable.
[[nodiscard]] Result<void> WriteFileAtomically(const std::filesystem::path& path, ByteView content,
                                               unsigned mode = 0600);

// fsync(2) of a folder, which makes names created in it durable.
[[nodiscard]] Result<void> SyncFolder(const std::filesystem::path& folder);

// Writes all of `bytes`, going on after short writes and EINTR.
[[nodiscard]] Result<void> WriteAll(int fd, ByteView bytes);

}  // namespace casemate
