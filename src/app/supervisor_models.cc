#include "app/supervisor_models.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace casemate::app {
namespace {

constexpr off_t kPermitBytes = off_t{16} << 10;  // inference/room/fair_share.h
constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

Result<UniqueFd> MakeMemfd(const char* name, unsigned flags) {
  UniqueFd memfd(::memfd_create(name, MFD_CLOEXEC | flags));
  return memfd.valid() ? Result<UniqueFd>(std::move(memfd)) : FailErrno("memfd_create");
}

}  // namespace

bool IsDigest(const std::string& text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<UniqueFd> Reopen(const UniqueFd& fd, int flags) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  UniqueFd opened(::open(path.c_str(), flags | O_CLOEXEC));
  return opened.valid() ? Result<UniqueFd>(std::move(opened)) : FailErrno("reopen a memfd");
}

Result<UniqueFd> MakePermit() {
  Result<UniqueFd> memfd = MakeMemfd("casemate-permit", MFD_ALLOW_SEALING);
  // Rooms map it: none of them may take its pages from the others.
  if (memfd &&
      (::ftruncate(memfd->get(), kPermitBytes) != 0 ||
       ::fcntl(memfd->get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)) {
    return FailErrno("the compute permit");
  }
  return memfd;
}

Result<UniqueFd> Models::Open(const std::string& digest) const {
  const auto found = sealed_.find(digest);
  // Opened for reading: before Linux 6.7 a writable description of a memfd that is sealed against
  // writing cannot be mapped shared.
  return found == sealed_.end() ? Result<UniqueFd>(UniqueFd()) : Reopen(found->second, O_RDONLY);
}

Result<Models::Load> Models::Begin(const std::string& digest) {
  if (!IsDigest(digest)) {
    return Fail(ErrorCode::kInvalidArgument, "a model's digest is 64 hexadecimal digits");
  }
  const std::filesystem::path path = folder_ / (digest + ".gguf");
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat info{};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) {
    return FailErrno("model " + path.string());
  }
  if (!S_ISREG(info.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument, "model " + path.string() + " is not a file");
  }
  Result<UniqueFd> kept = MakeMemfd("casemate-model", MFD_ALLOW_SEALING);
  if (!kept) {
    return std::unexpected(kept.error());
  }
  UniqueFd given(::fcntl(kept->get(), F_DUPFD_CLOEXEC, 0));
  if (!given.valid()) {
    return FailErrno("duplicate a memfd");
  }
  loading_[digest] = std::move(*kept);
  return Load{std::move(file), std::move(given)};
}

Result<void> Models::Finish(const std::string& digest, std::uint64_t bytes) {
  const auto found = loading_.find(digest);
  if (found == loading_.end()) {
    return Fail(ErrorCode::kNotFound, "no such model is being loaded");
  }
  const UniqueFd memfd = std::move(found->second);
  loading_.erase(found);
  struct stat info{};
  if (::fstat(memfd.get(), &info) != 0 || static_cast<std::uint64_t>(info.st_size) != bytes ||
      bytes == 0) {
    return Fail(ErrorCode::kIntegrityFailure,
                "model " + digest + ": the loader wrote another size");
  }
  // The last writer is gone, or this fails (EBUSY while one has it mapped).
  if (::fcntl(memfd.get(), F_ADD_SEALS, kSeals) != 0 ||
      (::fcntl(memfd.get(), F_GET_SEALS) & kSeals) != kSeals) {
    return FailErrno("seal model " + digest);
  }
  Result<UniqueFd> reading = Reopen(memfd, O_RDONLY);
  if (!reading) {
    return std::unexpected(reading.error());
  }
  sealed_[digest] = std::move(*reading);
  return {};
}

}  // namespace casemate::app
