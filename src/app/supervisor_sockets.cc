#include "app/supervisor_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "base/file.h"

namespace casemate::app {
namespace {

constexpr int kBacklog = 512;

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
  const std::filesystem::path path = deployment / "run" / name;
  const UniqueFd folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!folder.valid() || !socket.valid()) {
    return FailErrno("socket " + path.string());
  }
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return FailErrno("remove " + path.string());
  }
  // An address holds 107 bytes, a path may be longer: name the folder by its descriptor.
  const std::string short_path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (short_path.size() >= sizeof(address.sun_path)) {
    return Fail(ErrorCode::kTooLarge, "socket name " + name);
  }
  std::memcpy(address.sun_path, short_path.c_str(), short_path.size() + 1);
  const mode_t before = ::umask(0177);  // never, not even for a moment, for others
  const int bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  ::umask(before);
  if (bound != 0 || ::listen(socket.get(), kBacklog) != 0) {
    return FailErrno("listen on " + path.string());
  }
  return socket;
}

void RemoveUnix(const std::filesystem::path& deployment, const std::string& name) {
  ::unlink((deployment / "run" / name).c_str());
}

Result<UniqueFd> ListenTcp(const std::string& text, std::uint16_t port) {
  sockaddr_storage address{};
  socklen_t size = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    size = sizeof(*v4);
  } else if (::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    size = sizeof(*v6);
  } else {
    return Fail(ErrorCode::kInvalidArgument, "'" + text + "' is not a numeric address");
  }
  UniqueFd socket(
      ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  const int on = 1;
  if (!socket.valid() ||
      // A port whose old connections linger can be taken again; one that listens cannot.
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) {
    return FailErrno("socket");
  }
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    const std::string where = text + " port " + std::to_string(port);
    if (errno == EADDRINUSE) {
      return Fail(ErrorCode::kConflict, where + " is in use by another program");
    }
    if (errno == EADDRNOTAVAIL) {
      return Fail(ErrorCode::kInvalidArgument, where + " is no address of this machine");
    }
    return FailErrno("listen on " + where);
  }
  return socket;
}

}  // namespace casemate::app
