// What a server says before TLS, in each of the protocols.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "flows/starttls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  constexpr std::array<std::string_view, 7> kProtocols = {"smtp",     "imap",  "pop3", "ldap",
                                                          "postgres", "mysql", "xmpp"};
  constexpr std::size_t kMost = std::size_t{32} * 1024;  // what a socket pair takes at once
  if (size == 0 || size > kMost) {
    return 0;
  }
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return 0;
  }
  const UniqueFd server(pair[1]);
  Result<flows::Stream> stream =
      flows::Stream::OfSocket(UniqueFd(pair[0]), std::chrono::milliseconds(50));
  const bool sent = ::write(server.get(), data + 1, size - 1) == static_cast<ssize_t>(size - 1);
  ::shutdown(server.get(), SHUT_WR);
  if (stream && sent) {
    (void)flows::StartTls(*stream, kProtocols[data[0] % kProtocols.size()], "llm.example")
        .has_value();
  }
  return 0;
}
