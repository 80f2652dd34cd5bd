#include "app/supervisor_sockets.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/bytes.h"
#include "base/file.h"

namespace casemate::app {
namespace {

std::string ReadSmall(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  std::string out(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  return out.substr(0, out.find('\n'));
}

}  // namespace

Result<UniqueFd> LockDeployment(const std::filesystem::path& deployment) {
  const std::filesystem::path run = deployment / "run";
  if (::mkdir(run.c_str(), 0700) != 0 && errno != EEXIST) {
    return FailErrno("create " + run.string());
  }
  if (::chmod(run.c_str(), 0700) != 0) {
    return FailErrno("chmod " + run.string());
  }
  const std::filesystem::path path = run / "lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) {
    return FailErrno("open " + path.string());
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return FailErrno("lock " + path.string());
    }
    return Fail(ErrorCode::kConflict, "another server (process " + ReadSmall(lock.get()) +
                                          ") already serves " + deployment.string());
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock.get(), 0) != 0 ||
      ::pwrite(lock.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return FailErrno("write " + path.string());
  }
  return lock;
}

Result<UniqueFd> ListenUnix(const std::filesystem::path& deployment, const std::string& name,
                            int type) {
  return ListenUnixAt(deployment / "run" / name, type);
}

void RemoveUnix(const std::filesystem::path& deployment, const std::string& name) {
  ::unlink((deployment / "run" / name).c_str());
}

}  // namespace casemate::app
