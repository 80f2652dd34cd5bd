#include "app/connect_setup.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

namespace casemate::app {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} * 1024;

}  // namespace

Result<UniqueFd> WriteSetup(const ConnectSetup& setup) {
  const Plaintext bytes = ipc::Encode(setup);
  if (bytes.size() > kMaxBytes) {
    return Fail(ErrorCode::kTooLarge, "the settings have " + std::to_string(bytes.size()) +
                                          " bytes, at most 65536 are accepted");
  }
  UniqueFd memfd(::memfd_create("casemate-connect", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memfd.valid()) {
    return FailErrno("memfd_create");
  }
  if (Result<void> written = WriteAll(memfd.get(), bytes.view().RevealBytes()); !written) {
    return std::unexpected(written.error());
  }
  if (::lseek(memfd.get(), 0, SEEK_SET) != 0 ||
      ::fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
    return FailErrno("sealing a memfd");
  }
  return memfd;
}

Result<ConnectSetup> ReadSetup(UniqueFd fd) {
  Plaintext bytes = Plaintext::Zeroed(kMaxBytes);
  const ssize_t size = ::pread(fd.get(), bytes.mutable_bytes().data(), bytes.size(), 0);
  if (size < 0) {
    return FailErrno("reading the settings");
  }
  return ipc::Decode<ConnectSetup>(bytes.view().Part(0, static_cast<std::size_t>(size)));
}

}  // namespace casemate::app
