#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_set>

#include "base/error.h"
#include "crypto/seal.h"
#include "custody/client/release_client.h"
#include "secmem/plaintext.h"
#include "storage/sealing.h"

namespace casemate::storage {

// A sealed file that no row names yet: removed with this object unless Keep was called after the
// row that names it was committed. Move-only.
class StoredObject {
 public:
  StoredObject(std::filesystem::path path, std::string name, std::uint64_t bytes)
      : path_(std::move(path)), name_(std::move(name)), bytes_(bytes) {}
  StoredObject(StoredObject&& other) noexcept
      : path_(std::move(other.path_)),
        name_(std::exchange(other.name_, {})),
        bytes_(other.bytes_) {}
  StoredObject& operator=(StoredObject&&) = delete;
  ~StoredObject();

  const std::string& name() const { return name_; }
  std::uint64_t bytes() const { return bytes_; }  // as stored, sealed and padded
  void Keep() { name_.clear(); }

 private:
  std::filesystem::path path_;
  std::string name_;  // 32 hexadecimal digits; empty: nothing to remove
  std::uint64_t bytes_;
};

// The sealed contents of a tenant's files, one file each: NAME of 32 random hexadecimal digits in a
// folder of its first two. Names tell nothing and are never used twice. Threads: all members may
// run at the same time.
class ObjectFolder {
 public:
  // Makes the folder if it is not there.
  [[nodiscard]] static Result<ObjectFolder> Open(std::filesystem::path folder);

  // Seals `content` into a new file, piece by piece; it and its name are durable on return.
  // Errors: kResourceExhausted: the disk is full; nothing is left behind.
  [[nodiscard]] Result<StoredObject> Write(const custody::Lease& lease, const Place& place,
                                           PlaintextView content) const;

  // For reading any range. Errors: kIntegrityFailure, naming `owner`: the file is missing, changed
  // or cut.
  [[nodiscard]] Result<crypto::SealReader> Read(const custody::Lease& lease, const Place& place,
                                                std::string_view owner,
                                                const std::string& name) const;

  void Remove(const std::string& name) const;
  // Removes every file whose name is not in `known`; returns how many.
  [[nodiscard]] Result<std::size_t> RemoveOthers(
      const std::unordered_set<std::string>& known) const;

 private:
  explicit ObjectFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path PathOf(const std::string& name) const;
  std::filesystem::path folder_;
};

}  // namespace casemate::storage
