#include "app/listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace casemate::app {
namespace {

constexpr int kBacklog = 512;

}  // namespace

Result<UniqueFd> ListenUnixAt(const std::filesystem::path& path, int type) {
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const std::string name = path.filename().string();
  const UniqueFd folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
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
