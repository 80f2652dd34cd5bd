#include "net/unix_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/http_parser.h"

namespace casemate::net {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} * 1024;

Result<UniqueFd> ConnectSocket(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const UniqueFd directory(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) {
    return FailErrno("open the folder of the socket " + path.string());
  }
  // A socket address holds 108 bytes and deployments may lie deep: go through the folder's
  // descriptor, whose name is short.
  const std::string address =
      "/proc/self/fd/" + std::to_string(directory.get()) + "/" + path.filename().string();
  sockaddr_un name{};
  if (address.size() >= sizeof(name.sun_path)) {
    return Fail(ErrorCode::kInvalidArgument, "the socket's file name has " +
                                                 std::to_string(path.filename().string().size()) +
                                                 " bytes, at most 80 are accepted");
  }
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.data(), address.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) {
    return FailErrno("socket");
  }
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) {
    return FailErrno("connect to " + path.string());
  }
  return socket;
}

// Waits for `events`; returns those that came.
Result<short> WaitFor(int fd, short events, std::chrono::milliseconds timeout) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  while (true) {
    const int count = ::poll(&entry, 1, static_cast<int>(timeout.count()));
    if (count > 0) {
      return entry.revents;
    }
    if (count == 0) {
      return Fail(ErrorCode::kDeadlineExceeded,
                  "the server was silent for " + std::to_string(timeout.count()) + " ms");
    }
    if (errno != EINTR) {
      return FailErrno("poll");
    }
  }
}

bool HasLineBreak(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

Result<std::string> BuildHead(const ClientRequest& request) {
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\nhost: casemate\r\n";
  bool bad = HasLineBreak(request.method) || HasLineBreak(request.target) ||
             request.target.find(' ') != std::string::npos;
  for (const Header& header : request.headers) {
    bad = bad || HasLineBreak(header.name) || HasLineBreak(header.value);
    head += header.name + ": " + header.value + "\r\n";
  }
  if (bad) {
    return Fail(ErrorCode::kInvalidArgument, "a line break in the head of a request");
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    head += "content-length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return head + "\r\n";
}

}  // namespace

const std::string* ClientResponse::Find(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &Header::name);
  return found == headers.end() ? nullptr : &found->value;
}

HttpClient::HttpClient(std::filesystem::path path, const ClientOptions& options, UniqueFd socket)
    : path_(std::move(path)),
      options_(options),
      socket_(std::move(socket)),
      buffer_(Plaintext::Zeroed(kReadBytes)) {}

Result<HttpClient> HttpClient::Connect(const std::filesystem::path& path,
                                       const ClientOptions& options) {
  Result<UniqueFd> socket = ConnectSocket(path);
  if (!socket) {
    return std::unexpected(socket.error());
  }
  return HttpClient(path, options, std::move(*socket));
}

Result<ClientResponse> HttpClient::Send(const ClientRequest& request) {
  return Exchange(request, {});
}

Result<ClientResponse> HttpClient::SendStreaming(const ClientRequest& request,
                                                 const PieceHandler& on_piece) {
  return Exchange(request, on_piece);
}

Result<ClientResponse> HttpClient::Exchange(const ClientRequest& request,
                                            const PieceHandler& on_piece) {
  if (socket_.valid()) {
    // Between requests nothing may come: readable means that the server has closed this one.
    pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 0) != 0) {
      socket_.Reset();
    }
  }
  if (!socket_.valid()) {
    Result<UniqueFd> socket = ConnectSocket(path_);
    if (!socket) {
      return std::unexpected(socket.error());
    }
    socket_ = std::move(*socket);
  }
  Result<void> written = WriteRequest(request);
  Result<ClientResponse> response = written
                                        ? ReadResponse(request.method == "HEAD", on_piece)
                                        : Result<ClientResponse>(std::unexpected(written.error()));
  Wipe(buffer_.mutable_bytes());
  if (!response) {
    socket_.Reset();
  }
  return response;
}

Result<void> HttpClient::WriteRequest(const ClientRequest& request) {
  const Result<std::string> head = BuildHead(request);
  if (!head) {
    return std::unexpected(head.error());
  }
  for (PlaintextView rest : {PlaintextView::Of(std::string_view(*head)), request.body}) {
    while (!rest.empty()) {
      const Result<short> events = WaitFor(socket_.get(), POLLOUT | POLLIN, options_.stall_timeout);
      if (!events) {
        return std::unexpected(events.error());
      }
      // An answer before the whole request was sent is a refusal (413): read it instead of going
      // on.
      if ((*events & POLLIN) != 0) {
        return {};
      }
      const ssize_t sent =
          ::send(socket_.get(), rest.Reveal().data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
        return {};  // as above: the refusal may still be there to be read
      }
      if (sent < 0 && errno != EINTR && errno != EAGAIN) {
        return FailErrno("send to the server");
      }
      rest = rest.Part(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    }
  }
  return {};
}

Result<ClientResponse> HttpClient::ReadResponse(bool head_only, const PieceHandler& on_piece) {
  const HttpLimits limits{.max_header_bytes = std::size_t{64} * 1024,
                          .max_body_bytes = options_.max_body_bytes};
  HttpParser parser(HttpParser::Kind::kResponse, limits, head_only);
  ClientResponse response;
  std::size_t filled = 0;
  while (true) {
    const std::string_view received = AsText(buffer_.view().RevealBytes()).substr(0, filled);
    Result<std::size_t> taken = parser.Feed(PlaintextView::Of(received));
    if (!taken) {
      return std::unexpected(taken.error());
    }
    std::ranges::copy(buffer_.mutable_bytes().subspan(*taken, filled - *taken),
                      buffer_.mutable_bytes().begin());
    filled -= *taken;
    if (parser.done() && parser.head().status / 100 == 1) {
      parser = HttpParser(HttpParser::Kind::kResponse, limits, head_only);  // 100 Continue
      continue;
    }
    if (parser.head_done()) {
      const Plaintext piece = parser.TakeBody();
      const std::uint16_t status = parser.head().status;
      if (on_piece && status / 100 == 2) {
        if (!piece.empty()) {
          if (Result<void> went_on = on_piece(piece); !went_on) {
            return std::unexpected(went_on.error());
          }
        }
      } else {
        response.body.Append(piece);
      }
    }
    if (parser.done()) {
      break;
    }
    if (*taken > 0 && filled > 0) {
      continue;
    }
    if (filled == buffer_.size()) {
      return Fail(ErrorCode::kTooLarge, "the answer's header is over the limit");
    }
    if (Result<short> ready = WaitFor(socket_.get(), POLLIN, options_.stall_timeout); !ready) {
      return std::unexpected(ready.error());
    }
    const ssize_t count =
        ::recv(socket_.get(), buffer_.mutable_bytes().data() + filled, buffer_.size() - filled, 0);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return FailErrno("receive from the server");
    }
    if (count == 0) {
      if (Result<void> ended = parser.End(); !ended) {
        return Fail(ErrorCode::kUnavailable, "the server closed the connection before its answer");
      }
      break;
    }
    filled += static_cast<std::size_t>(count);
  }
  response.status = parser.head().status;
  response.headers = std::move(parser.head().headers);
  if (!parser.keep_alive()) {
    socket_.Reset();
  }
  return response;
}

}  // namespace casemate::net
