#include "net/hop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

namespace casemate::net {

std::string_view HopTransportName(HopTransport transport) {
  switch (transport) {
    case HopTransport::kTls:
      return "tls";
    case HopTransport::kLoopback:
      return "loopback";
    case HopTransport::kUnixSocket:
      return "unix-socket";
    case HopTransport::kSocketPair:
      return "socket-pair";
  }
  return "unknown";
}

std::string PeerOf(int socket) {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return {};
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (name.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&name);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  } else if (name.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&name);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      ::inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    }
  } else if (name.ss_family == AF_UNIX) {
    ucred peer{};
    size = sizeof(peer);
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0
               ? "uid " + std::to_string(peer.uid)
               : std::string();
  }
  return text.data();
}

}  // namespace casemate::net
