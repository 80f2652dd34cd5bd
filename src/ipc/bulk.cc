#include "ipc/bulk.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace casemate::ipc {
namespace {

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3
#endif

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW;

// Calls `once(done)` until it has handled `size` bytes.
template <typename Once>
Result<void> Whole(std::size_t size, const char* what, Once once) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t step = once(done);
    if (step < 0 && errno == EINTR) {
      continue;
    }
    if (step < 0) {
      return FailErrno(what);
    }
    if (step == 0) {
      return Fail(ErrorCode::kIntegrityFailure, std::string(what) + ": shorter than it said");
    }
    done += static_cast<std::size_t>(step);
  }
  return {};
}

}  // namespace

Result<UniqueFd> MakeBulk(PlaintextView payload) {
  UniqueFd memfd(
      ::memfd_create("casemate-message", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL));
  if (!memfd.valid() && errno == EINVAL) {  // before Linux 6.3
    memfd = UniqueFd(::memfd_create("casemate-message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  }
  if (!memfd.valid()) {
    return FailErrno("memfd_create");
  }
  if (::ftruncate(memfd.get(), static_cast<off_t>(payload.size())) != 0) {
    return FailErrno("size a memfd");
  }
  const ByteView bytes = payload.RevealBytes();
  Result<void> written = Whole(bytes.size(), "fill a memfd", [&](std::size_t done) {
    return ::pwrite(memfd.get(), bytes.data() + done, bytes.size() - done,
                    static_cast<off_t>(done));
  });
  if (!written) {
    return std::unexpected(written.error());
  }
  if (::fcntl(memfd.get(), F_ADD_SEALS, kSeals) != 0) {
    return FailErrno("seal a memfd");
  }
  return memfd;
}

Result<Plaintext> TakeBulk(const UniqueFd& memfd, std::size_t size) {
  const int seals = ::fcntl(memfd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) {
    return Fail(ErrorCode::kIntegrityFailure, "a payload in a descriptor that is not sealed");
  }
  struct stat info{};
  if (::fstat(memfd.get(), &info) != 0 || static_cast<std::uint64_t>(info.st_size) != size) {
    return Fail(ErrorCode::kIntegrityFailure, "a payload of another size than its header says");
  }
  Plaintext payload = Plaintext::Zeroed(size);
  const std::span<std::byte> out = payload.mutable_bytes();
  Result<void> read = Whole(size, "read a memfd", [&](std::size_t done) {
    return ::pread(memfd.get(), out.data() + done, size - done, static_cast<off_t>(done));
  });
  if (!read) {
    return std::unexpected(read.error());
  }
  static constexpr std::array<std::byte, 65'536> kZeros{};
  // Fails only where the sender sealed it against writing: then its copy is its own affair.
  (void)Whole(size, "wipe a memfd", [&](std::size_t done) {
    return ::pwrite(memfd.get(), kZeros.data(), std::min(kZeros.size(), size - done),
                    static_cast<off_t>(done));
  });
  return payload;
}

}  // namespace casemate::ipc
