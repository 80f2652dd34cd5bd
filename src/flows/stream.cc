#include "flows/stream.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

#include "flows/starttls.h"

namespace casemate::flows {
namespace {

constexpr std::size_t kReadSize = std::size_t{16} * 1024;

Result<std::uint16_t> ParsePort(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) {
    return Fail(ErrorCode::kInvalidArgument, "expected a port from 1 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

Result<UniqueFd> ConnectTo(const addrinfo& address, std::chrono::milliseconds timeout) {
  UniqueFd socket(
      ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
  if (!socket.valid()) {
    return FailErrno("socket");
  }
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) {
      return FailErrno("connect");
    }
    pollfd wait{.fd = socket.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&wait, 1, static_cast<int>(timeout.count())) == 0) {
      return Fail(ErrorCode::kDeadlineExceeded,
                  "no connection within " + std::to_string(timeout.count()) + " ms");
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    // Reset: it was accepted first. Who speaks next learns it.
    if (error != 0 && error != ECONNRESET) {
      errno = error;
      return FailErrno("connect");
    }
  }
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

}  // namespace

std::string Endpoint::Text() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return (scheme == Scheme::kSsh ? "ssh://" : "") + name + ":" + std::to_string(port) +
         (starttls.empty() ? "" : " (" + starttls + ")");
}

Result<Endpoint> ParseEndpoint(std::string_view text, std::string_view starttls) {
  Endpoint endpoint{.host = {}, .starttls = std::string(starttls)};
  if (TakePrefix(text, "ssh://")) {
    endpoint.scheme = Endpoint::Scheme::kSsh;
    endpoint.port = 22;
    endpoint.starttls.clear();
  } else if (TakePrefix(text, "https://") || TakePrefix(text, "tls://")) {
    endpoint.starttls.clear();
  }
  if (!endpoint.starttls.empty()) {
    Result<std::uint16_t> port = StartTlsPort(endpoint.starttls);
    if (!port) {
      return std::unexpected(port.error());
    }
    endpoint.port = *port;
  }
  text = text.substr(0, text.find('/'));
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return Fail(ErrorCode::kInvalidArgument, "an address that begins with [ and has no ]");
    }
    endpoint.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (std::ranges::count(text, ':') == 1) {
    endpoint.host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':'));
  } else {
    endpoint.host = text;  // a name, or a bare IPv6 address
  }
  if (!port.empty()) {
    if (!port.starts_with(':')) {
      return Fail(ErrorCode::kInvalidArgument, "expected ':' and a port after ]");
    }
    Result<std::uint16_t> number = ParsePort(port.substr(1));
    if (!number) {
      return std::unexpected(number.error());
    }
    endpoint.port = *number;
  }
  if (endpoint.host.empty() || endpoint.host.size() > 253 ||
      !std::ranges::all_of(endpoint.host, [](char c) { return c > ' ' && c <= '~'; }) ||
      endpoint.host.find_first_of("@?#") != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, "expected HOST, HOST:PORT, [V6]:PORT or ssh://HOST");
  }
  return endpoint;
}

Result<Stream> Stream::Connect(const std::string& host, std::uint16_t port,
                               std::chrono::milliseconds timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status != 0) {
    return Fail(ErrorCode::kNotFound,
                "the name does not resolve: " + std::string(::gai_strerror(status)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  Result<UniqueFd> socket = Fail(ErrorCode::kUnavailable, "no address");
  for (const addrinfo* address = found; address != nullptr && !socket; address = address->ai_next) {
    socket = ConnectTo(*address, timeout);
  }
  if (!socket) {
    return std::unexpected(socket.error());
  }
  return Stream(*std::move(socket), timeout);
}

Result<Stream> Stream::OfSocket(UniqueFd socket, std::chrono::milliseconds timeout) {
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return FailErrno("fcntl");
  }
  return Stream(std::move(socket), timeout);
}

Result<void> Stream::Wait(short events) {
  pollfd wait{.fd = socket_.get(), .events = events, .revents = 0};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      until_ - std::chrono::steady_clock::now());
  const auto most = std::clamp(left, std::chrono::milliseconds(0), timeout_);
  const int ready = ::poll(&wait, 1, static_cast<int>(most.count()));
  if (ready < 0 && errno != EINTR) {
    return FailErrno("poll");
  }
  if (ready == 0) {
    return Fail(ErrorCode::kDeadlineExceeded,
                "nothing came within " + std::to_string(timeout_.count()) + " ms");
  }
  return {};
}

Result<void> Stream::Write(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (Result<void> ready = Wait(POLLOUT); !ready) {
        return ready;
      }
    } else if (errno != EINTR) {
      return FailErrno("send");
    }
  }
  return {};
}

Result<Bytes> Stream::Read() {
  // Also where something is always there.
  if (std::chrono::steady_clock::now() > until_) {
    return Fail(ErrorCode::kDeadlineExceeded, "it speaks too slowly to be asked");
  }
  while (true) {
    Bytes piece(kReadSize);
    const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    if (got >= 0) {
      piece.resize(static_cast<std::size_t>(got));
      return piece;
    }
    if (errno == EAGAIN) {
      if (Result<void> ready = Wait(POLLIN); !ready) {
        return std::unexpected(ready.error());
      }
    } else if (errno != EINTR) {
      return FailErrno("recv");
    }
  }
}

}  // namespace casemate::flows
