#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace casemate {

Result<Bytes> ReadFile(const std::filesystem::path& path, std::size_t max_bytes) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return FailErrno("open " + path.string());
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) {
    return FailErrno("stat " + path.string());
  }
  Bytes content;
  constexpr std::size_t kStep = 64 * 1024;
  content.resize(static_cast<std::size_t>(info.st_size) + 1);
  std::size_t used = 0;
  for (;;) {
    if (used > max_bytes) {
      return Fail(ErrorCode::kTooLarge,
                  path.string() + ": more than " + std::to_string(max_bytes) + " bytes");
    }
    if (used == content.size()) {
      content.resize(content.size() + kStep);
    }
    const ssize_t got = ::read(fd.get(), content.data() + used, content.size() - used);
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      return FailErrno("read " + path.string());
    }
    if (got == 0) {
      content.resize(used);
      return content;
    }
    used += static_cast<std::size_t>(got);
  }
}

Result<void> WriteAll(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0) {
      if (errno == EINTR) {
        continue;
      }
      return FailErrno("write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> SyncFolder(const std::filesystem::path& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) {
    return FailErrno("sync " + folder.string());
  }
  return {};
}

Result<void> WriteFileAtomically(const std::filesystem::path& path, ByteView content,
                                 unsigned mode) {
  const std::filesystem::path beside = path.string() + ".new";
  {
    const UniqueFd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!fd.valid()) {
      return FailErrno("create " + beside.string());
    }
    if (Result<void> written = WriteAll(fd.get(), content); !written) {
      ::unlink(beside.c_str());
      return Wrap(written.error(), beside.string());
    }
    if (::fdatasync(fd.get()) != 0) {
      return FailErrno("sync " + beside.string());
    }
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    return FailErrno("rename " + beside.string());
  }
  return SyncFolder(path.parent_path().empty() ? "." : path.parent_path());
}

}  // namespace casemate
