#include "app/service_notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/log.h"

namespace casemate::app {
namespace {

std::string TakeVariable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::optional<std::uint64_t> ToNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number)
                                                                  : std::nullopt;
}

}  // namespace

ServiceNotifier ServiceNotifier::FromEnvironment() {
  ServiceNotifier notifier;
  const std::string path = TakeVariable("NOTIFY_SOCKET");
  const std::string period = TakeVariable("WATCHDOG_USEC");
  const std::string watched = TakeVariable("WATCHDOG_PID");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // A path, or a name in the abstract namespace that begins with '@'.
  if (path.empty() || path.size() >= sizeof(address.sun_path) ||
      (path[0] != '/' && path[0] != '@')) {
    return notifier;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  if (path[0] == '@') {
    address.sun_path[0] = '\0';
  }
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  notifier.socket_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!notifier.socket_.valid() ||
      ::connect(notifier.socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    LogError("the service manager cannot be told", FailErrno("connect to $NOTIFY_SOCKET").error());
    notifier.socket_.Reset();
    return notifier;
  }
  const std::optional<std::uint64_t> microseconds = ToNumber(period);
  const bool for_us =
      watched.empty() || ToNumber(watched) == static_cast<std::uint64_t>(::getpid());
  if (microseconds && *microseconds > 0 && for_us) {
    notifier.alive_every_ =
        std::max(std::chrono::milliseconds(1), std::chrono::milliseconds(*microseconds / 2000));
  }
  return notifier;
}

void ServiceNotifier::Tell(const std::string& state) const {
  if (socket_.valid()) {
    (void)::send(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL);
  }
}

}  // namespace casemate::app
