#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

// Files and processes that several commands need.
namespace casemate::app {

// The folder of the running executable: its siblings are started from there.
[[nodiscard]] Result<std::filesystem::path> ExecutableFolder();

// Copies `from` into `folder` as <sha256 hex>.gguf, written beside and renamed; an existing copy is
// kept. Returns digest and size. Errors: kNotFound, kInvalidArgument: not a GGUF file,
// kResourceExhausted: disk.
struct CopiedModel {
  std::string digest;
  std::uint64_t bytes = 0;
};
[[nodiscard]] Result<CopiedModel> CopyModel(const std::filesystem::path& from,
                                            const std::filesystem::path& folder);

// Copies a file durably; `to` must not exist. Errors: kConflict, kResourceExhausted, kUnavailable.
[[nodiscard]] Result<void> CopyFile(const std::filesystem::path& from,
                                    const std::filesystem::path& to);
// Every regular file below; folders are made 0700. A file that vanished meanwhile is left out.
[[nodiscard]] Result<void> CopyTree(const std::filesystem::path& from,
                                    const std::filesystem::path& to);
// mkdir(2) with mode 0700, parents too; existing ones stay as they are.
[[nodiscard]] Result<void> MakeFolder(const std::filesystem::path& folder);

}  // namespace casemate::app
