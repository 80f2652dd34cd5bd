#include "storage/object_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/fd.h"
#include "base/file.h"
#include "crypto/hash.h"

namespace casemate::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 256 * 1024;

class FileSource : public crypto::SealSource {
 public:
  FileSource(UniqueFd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  Result<void> ReadAt(std::uint64_t offset, std::span<std::byte> out) override {
    while (!out.empty()) {
      const ssize_t got = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got < 0) {
        return FailErrno("read object");
      }
      if (got == 0) {
        return Fail(ErrorCode::kIntegrityFailure, "the object ends too early");
      }
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

 private:
  UniqueFd fd_;
  std::uint64_t size_;
};

std::unexpected<Error> FailWrite(const Error& error) {
  if (error.code == ErrorCode::kResourceExhausted) {
    return Fail(error.code,
                "the disk is full; nothing that was acknowledged is lost, this was not stored: "
                "make room and send it again",
                error.message);
  }
  return std::unexpected(error);
}

Result<void> MakeFolder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) {
    return SyncFolder(folder.parent_path());
  }
  if (errno == EEXIST) {
    return {};
  }
  return FailWrite(FailErrno("make " + folder.filename().string()).error());
}

Result<void> SealInto(int fd, KeyView key, const Place& place, PlaintextView content) {
  Result<crypto::SealWriter> writer =
      crypto::SealWriter::Begin(key, SealContext(place), content.size());
  if (!writer) {
    return std::unexpected(writer.error());
  }
  Bytes sealed;
  for (std::size_t at = 0; at < content.size(); at += kPieceBytes) {
    sealed.clear();
    if (Result<void> put = writer->Write(content.Part(at, kPieceBytes), sealed); !put) {
      return put;
    }
    if (Result<void> put = WriteAll(fd, sealed); !put) {
      return put;
    }
  }
  sealed.clear();
  if (Result<void> put = writer->Finish(sealed); !put) {
    return put;
  }
  return WriteAll(fd, sealed);
}

}  // namespace

StoredObject::~StoredObject() {
  if (!name_.empty()) {
    ::unlink(path_.c_str());
  }
}

Result<ObjectFolder> ObjectFolder::Open(fs::path folder) {
  if (Result<void> made = MakeFolder(folder); !made) {
    return std::unexpected(made.error());
  }
  return ObjectFolder(std::move(folder));
}

fs::path ObjectFolder::PathOf(const std::string& name) const {
  return folder_ / name.substr(0, 2) / name;
}

Result<StoredObject> ObjectFolder::Write(const custody::Lease& lease, const Place& place,
                                         PlaintextView content) const {
  std::array<std::byte, 16> random;
  crypto::FillRandom(random);
  std::string name = ToHex(random);
  const fs::path path = PathOf(name);
  if (Result<void> made = MakeFolder(path.parent_path()); !made) {
    return std::unexpected(made.error());
  }
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    return FailWrite(FailErrno("create object").error());
  }
  StoredObject stored(path, std::move(name),
                      crypto::SealedPaddedSize(content.size()));  // removes it on errors
  Result<void> written =
      lease.With([&](KeyView key) { return SealInto(fd.get(), key, place, content); });
  if (written && ::fsync(fd.get()) != 0) {
    written = FailErrno("sync object");
  }
  if (!written) {
    return FailWrite(written.error());
  }
  if (Result<void> synced = SyncFolder(path.parent_path()); !synced) {
    return FailWrite(synced.error());
  }
  return stored;
}

Result<crypto::SealReader> ObjectFolder::Read(const custody::Lease& lease, const Place& place,
                                              std::string_view owner,
                                              const std::string& name) const {
  UniqueFd fd(::open(PathOf(name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) {
    if (errno == ENOENT) {
      return FailDamaged(owner, place.part, "object file " + name + " is missing");
    }
    return FailErrno("open object");
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) {
    return FailErrno("stat object");
  }
  auto source =
      std::make_unique<FileSource>(std::move(fd), static_cast<std::uint64_t>(info.st_size));
  std::optional<crypto::SealReader> reader;
  Result<void> begun = lease.With([&](KeyView key) -> Result<void> {
    Result<crypto::SealReader> made =
        crypto::SealReader::Begin(key, SealContext(place), std::move(source));
    if (!made) {
      return std::unexpected(made.error());
    }
    reader.emplace(std::move(*made));
    return {};
  });
  if (!begun) {
    if (begun.error().code == ErrorCode::kIntegrityFailure) {
      return FailDamaged(owner, place.part, "object file " + name + ": " + begun.error().message);
    }
    return std::unexpected(begun.error());
  }
  return std::move(*reader);
}

void ObjectFolder::Remove(const std::string& name) const { ::unlink(PathOf(name).c_str()); }

Result<std::size_t> ObjectFolder::RemoveOthers(const std::unordered_set<std::string>& known) const {
  std::size_t removed = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder_, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored) && !known.contains(at->path().filename().string())) {
      ::unlink(at->path().c_str());
      ++removed;
    }
  }
  if (error) {
    return Fail(ErrorCode::kUnavailable, "the objects folder cannot be read: " + error.message());
  }
  return removed;
}

}  // namespace casemate::storage
