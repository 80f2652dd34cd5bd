#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "audit/verify/journal_format.h"
#include "base/fd.h"
#include "crypto/hash.h"
#include "secmem/key.h"

namespace casemate::audit {

// The file that makes entries durable before they are in tiles: docs/formats/audit_log.md. Frames
// are chained by HMAC-SHA-256 under the key. Each frame is synced before the next is written, so
// that only the last one can be torn by a crash. Threads: Reserve at any time; Append and Rewrite
// one at a time.
class Journal {
 public:
  static constexpr std::size_t kMaxEntriesPerFrame = 4096;

  struct Opened {
    std::unique_ptr<Journal> journal;
    std::uint64_t first_index = 0;
    std::vector<Bytes> entries;
  };
  // Writes a new file that holds nothing. Errors: the disk's.
  [[nodiscard]] static Result<void> Create(const std::filesystem::path& path, KeyView key,
                                           std::uint64_t first_index);
  // Reads and checks the file, cuts a torn last frame off, and makes the rest durable. Errors:
  // kIntegrityFailure: a MAC that fails anywhere but in the last frame; the message names the
  // entry.
  [[nodiscard]] static Result<Opened> Open(std::filesystem::path path, KeyView key);

  // Holds disk space for one entry until it is appended. Errors: kResourceExhausted: there is none;
  // nothing has changed.
  [[nodiscard]] Result<void> Reserve(std::size_t entry_bytes);
  // One frame with all of them (1 to kMaxEntriesPerFrame, reserved before), durable on return.
  // After an error nobody knows what the disk holds: the journal must not be used any more.
  [[nodiscard]] Result<void> Append(std::span<const Bytes> entries);
  // Replaces the file by one that begins at `first_index` and holds `entries`. On error the old one
  // goes on; where nobody knows which of the two has the name, Append fails from then on.
  [[nodiscard]] Result<void> Rewrite(std::uint64_t first_index, std::span<const Bytes> entries);

  std::size_t size_bytes() const { return end_; }

 private:
  Journal(std::filesystem::path path, Key key) : path_(std::move(path)), key_(std::move(key)) {}
  Result<void> Allocate(int fd, std::size_t from, std::size_t to);
  std::size_t ReservedFor(std::size_t entry_bytes) const;

  std::filesystem::path path_;
  Key key_;
  std::uint64_t next_index_ = 0;
  crypto::Digest last_mac_{};
  bool broken_ = false;  // a name was replaced and the folder's sync failed
  // Guards what follows: space is reserved while a frame is being written.
  std::mutex mutex_;
  UniqueFd fd_;
  std::size_t end_ = 0;        // bytes of the file
  std::size_t reserved_ = 0;   // bytes promised to entries that are not appended yet
  std::size_t allocated_ = 0;  // bytes that the disk has given, from the file's begin
};

}  // namespace casemate::audit
