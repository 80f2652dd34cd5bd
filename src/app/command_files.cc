#include "app/command_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/file.h"
#include "crypto/hash.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCopyStep = 1 << 20;

// Copies what is left of `from` to `to`, hashing on the way.
Result<std::uint64_t> CopyBytes(int from, int to, crypto::Sha256Stream* hash) {
  std::vector<std::byte> buffer(kCopyStep);
  std::uint64_t total = 0;
  while (true) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return FailErrno("reading");
    }
    if (got == 0) {
      return total;
    }
    const ByteView piece(buffer.data(), static_cast<std::size_t>(got));
    if (hash != nullptr) {
      hash->Update(piece);
    }
    if (Result<void> written = WriteAll(to, piece); !written) {
      return std::unexpected(written.error());
    }
    total += piece.size();
  }
}

// Is removed unless kept.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path)
      : path_(std::move(path)),
        fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {}
  ~TemporaryFile() {
    if (fd_.valid()) {
      ::unlink(path_.c_str());
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  int fd() const { return fd_.get(); }
  Result<void> KeepAs(const fs::path& name) {
    if (::fsync(fd_.get()) != 0 || ::rename(path_.c_str(), name.c_str()) != 0) {
      return FailErrno("writing " + name.string());
    }
    fd_.Reset();
    return SyncFolder(name.parent_path());
  }

 private:
  fs::path path_;
  UniqueFd fd_;
};

}  // namespace

Result<fs::path> ExecutableFolder() {
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  if (failed) {
    return Fail(ErrorCode::kUnavailable, "/proc/self/exe cannot be read: is /proc mounted?");
  }
  return self.parent_path();
}

Result<void> MakeFolder(const fs::path& folder) {
  fs::path made;
  for (const fs::path& part : folder) {
    made /= part;
    if (::mkdir(made.c_str(), 0700) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES) {
      return FailErrno("making the folder " + made.string());
    }
  }
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) {
    return Fail(ErrorCode::kUnavailable, "cannot make the folder " + folder.string());
  }
  return {};
}

Result<CopiedModel> CopyModel(const fs::path& from, const fs::path& folder) {
  UniqueFd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.valid()) {
    return FailErrno("opening " + from.string());
  }
  std::array<char, 4> magic{};
  if (::pread(source.get(), magic.data(), magic.size(), 0) != 4 ||
      std::string_view(magic.data(), 4) != "GGUF") {
    return Fail(ErrorCode::kInvalidArgument, from.string() + " is not a GGUF file");
  }
  TemporaryFile temporary(folder / ("incoming-" + std::to_string(::getpid())));
  if (temporary.fd() < 0) {
    return FailErrno("writing into " + folder.string());
  }
  crypto::Sha256Stream hash;
  Result<std::uint64_t> bytes = CopyBytes(source.get(), temporary.fd(), &hash);
  if (!bytes) {
    return Wrap(bytes.error(), "copying " + from.string());
  }
  CopiedModel copied{.digest = ToHex(hash.Finish()), .bytes = *bytes};
  Result<void> kept = temporary.KeepAs(folder / (copied.digest + ".gguf"));
  return kept ? Result<CopiedModel>(copied) : std::unexpected(kept.error());
}

Result<void> CopyFile(const fs::path& from, const fs::path& to) {
  UniqueFd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.valid()) {
    return FailErrno("opening " + from.string());
  }
  UniqueFd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!target.valid()) {
    return FailErrno("writing " + to.string());
  }
  Result<std::uint64_t> bytes = CopyBytes(source.get(), target.get(), nullptr);
  if (!bytes) {
    return Wrap(bytes.error(), "copying " + from.string());
  }
  return ::fsync(target.get()) == 0 ? Result<void>() : FailErrno("writing " + to.string());
}

Result<void> CopyTree(const fs::path& from, const fs::path& to) {
  if (Result<void> made = MakeFolder(to); !made) {
    return made;
  }
  std::error_code failed;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator it(from, failed); !failed && it != fs::directory_iterator();
       it.increment(failed)) {
    entries.push_back(*it);
  }
  if (failed) {
    return Fail(ErrorCode::kUnavailable,
                "reading the folder " + from.string() + ": " + failed.message());
  }
  for (const fs::directory_entry& entry : entries) {
    const fs::path name = to / entry.path().filename();
    Result<void> copied;
    if (entry.is_directory(failed) && !entry.is_symlink(failed)) {
      copied = CopyTree(entry.path(), name);
    } else if (entry.is_regular_file(failed)) {
      copied = CopyFile(entry.path(), name);
    }
    if (!copied && copied.error().code != ErrorCode::kNotFound) {
      return copied;
    }
  }
  return SyncFolder(to);
}

}  // namespace casemate::app
