// casemate-loader: copies one model file into a memfd and checks its digest on the way. A process
// of its own, so that the supervisor never reads content.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "crypto/init.h"
#include "ipc/child.h"
#include "ipc/supervision.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

namespace {

using namespace casemate;  // NOLINT: the whole file is one program

enum : std::size_t { kFile = 0, kMemfd, kSetupFds };

constexpr std::size_t kStep = std::size_t{1} << 20;  // bytes

Result<void> Confine() {
  if (Result<void> hardened = HardenProcess(/*die_with_parent=*/true); !hardened) {
    return hardened;
  }
  if (Result<void> ready = crypto::InitCrypto(); !ready) {
    return ready;
  }
  Result<sandbox::Applied> applied = sandbox::Enter({.may_make_threads = false, .max_files = 16});
  return applied ? Result<void>() : std::unexpected(applied.error());
}

Result<ipc::Loaded> Copy(int file, int memfd, const std::string& digest) {
  std::vector<std::byte> buffer(kStep);
  crypto::Sha256Stream hash;
  ipc::Loaded loaded;
  for (;;) {
    const ssize_t got = ::read(file, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return FailErrno("read the model");
    }
    if (got == 0) {
      break;
    }
    const ByteView part(buffer.data(), static_cast<std::size_t>(got));
    hash.Update(part);
    if (Result<void> written = WriteAll(memfd, part); !written) {
      return Wrap(written.error(), "copy the model to memory");
    }
    loaded.bytes += part.size();
  }
  const crypto::Digest found = hash.Finish();
  if (ToHex(found) != digest) {
    return Fail(ErrorCode::kIntegrityFailure,
                "model " + digest + ".gguf has SHA-256 " + ToHex(found) + ": the file was changed");
  }
  return loaded;
}

Result<void> Load(ipc::Started<ipc::SetupLoader>& started) {
  if (Result<void> confined = Confine(); !confined) {
    return confined;
  }
  if (Result<void> ready = ipc::SendReady(started.supervisor); !ready) {
    return ready;
  }
  Result<ipc::Loaded> loaded =
      Copy(started.fds[kFile].get(), started.fds[kMemfd].get(), started.setup.digest);
  if (!loaded) {
    return std::unexpected(loaded.error());
  }
  return started.supervisor.Send(
      ipc::Frame{.type = ipc::Loaded::kType, .payload = ipc::Encode(*loaded), .fds = {}},
      /*timeout_ms=*/5000);
}

}  // namespace

int main() {
  InitLog("loader");
  Result<ipc::Started<ipc::SetupLoader>> started =
      ipc::ReceiveSetup<ipc::SetupLoader>(ipc::ProcessKind::kLoader, kSetupFds, kSetupFds);
  if (!started) {
    LogError("no setup", started.error());
    return EXIT_FAILURE;
  }
  if (Result<void> done = Load(*started); !done) {
    ipc::SendStartFailure(started->supervisor, done.error());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
