#include "ipc/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "ipc/bulk.h"

namespace casemate::ipc {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kFlagBulk = 1;
constexpr std::uint8_t kFlagLast = 2;
constexpr std::size_t kMaxWireFds = kMaxFds + 1;  // and the memfd

std::array<std::byte, kHeaderSize> MakeHeader(const Frame& frame) {
  Bytes header;
  const bool bulk = frame.payload.size() > kMaxInline;
  header.push_back(std::byte{kVersion});
  header.push_back(static_cast<std::byte>((bulk ? kFlagBulk : 0) | (frame.last ? kFlagLast : 0)));
  PutU16(header, static_cast<std::uint16_t>(frame.type));
  PutU32(header, static_cast<std::uint32_t>(frame.payload.size()));
  PutU64(header, frame.request);
  std::array<std::byte, kHeaderSize> out{};
  std::ranges::copy(header, out.begin());
  return out;
}

Result<void> CheckSendable(const Frame& frame, ProcessKind self, ProcessKind peer) {
  if (!MaySend(self, peer, frame.type)) {
    return Fail(ErrorCode::kPermissionDenied, std::string(ProcessKindName(self)) +
                                                  " may not send " +
                                                  std::string(MessageTypeName(frame.type)) +
                                                  " to " + std::string(ProcessKindName(peer)));
  }
  if (frame.payload.size() > kMaxPayload || frame.fds.size() > kMaxFds) {
    return Fail(ErrorCode::kTooLarge, "message of " + std::to_string(frame.payload.size()) +
                                          " bytes and " + std::to_string(frame.fds.size()) +
                                          " descriptors, at most " + std::to_string(kMaxPayload) +
                                          " and " + std::to_string(kMaxFds));
  }
  return {};
}

std::unexpected<Error> PeerGone(ProcessKind peer) {
  return Fail(ErrorCode::kUnavailable, "the " + std::string(ProcessKindName(peer)) + " is gone");
}

Result<bool> SendParts(int socket, ProcessKind peer, ByteView header, ByteView payload,
                       std::span<const int> fds) {
  std::array<iovec, 2> parts = {{
      {const_cast<std::byte*>(header.data()), header.size()},
      {const_cast<std::byte*>(payload.data()), payload.size()},
  }};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxWireFds)> control{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = payload.empty() ? 1 : 2;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
      return true;
    }
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
      case ENOBUFS:
        return false;
      case EPIPE:
      case ECONNRESET:
      case ENOTCONN:
        return PeerGone(peer);
      default:
        return FailErrno("send to the " + std::string(ProcessKindName(peer)));
    }
  }
}

std::unexpected<Error> BadFrame(ProcessKind peer, const std::string& why) {
  return Fail(ErrorCode::kIntegrityFailure,
              "frame from the " + std::string(ProcessKindName(peer)) + " refused: " + why);
}

// Takes over every descriptor that came along, so that whatever happens next closes them. False: a
// kind of control message that nobody asked for.
bool TakeDescriptors(msghdr& message, std::vector<UniqueFd>& fds) {
  bool known = true;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      known = false;
      continue;
    }
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
  return known;
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> Channel::MakePair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return FailErrno("socketpair");
  }
  std::pair<UniqueFd, UniqueFd> pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
  const int room = 256 * 1024;  // one full frame must fit whatever the machine's default is
  for (int end : ends) {
    if (::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) != 0) {
      return FailErrno("size a socket");
    }
  }
  return pair;
}

Channel::Channel(UniqueFd socket, ProcessKind self, ProcessKind peer)
    : socket_(std::move(socket)), self_(self), peer_(peer) {}

Result<Packet> Channel::Pack(Frame frame, ProcessKind self, ProcessKind peer) {
  if (Result<void> good = CheckSendable(frame, self, peer); !good) {
    return std::unexpected(good.error());
  }
  Packet packet;
  packet.header = MakeHeader(frame);
  packet.payload_bytes = frame.payload.size();
  if (frame.payload.size() > kMaxInline) {
    Result<UniqueFd> bulk = MakeBulk(frame.payload);
    if (!bulk) {
      return std::unexpected(bulk.error());
    }
    packet.fds.push_back(std::move(*bulk));
  } else {
    packet.inline_payload = std::move(frame.payload);
  }
  std::ranges::move(frame.fds, std::back_inserter(packet.fds));
  return packet;
}

Result<bool> Channel::TrySend(const Packet& packet) {
  std::array<int, kMaxWireFds> fds{};
  std::ranges::transform(packet.fds, fds.begin(), &UniqueFd::get);
  return SendParts(socket_.get(), peer_, packet.header, packet.inline_payload.view().RevealBytes(),
                   std::span(fds).first(packet.fds.size()));
}

Result<bool> Channel::TrySend(const Frame& frame) {
  if (Result<void> good = CheckSendable(frame, self_, peer_); !good) {
    return std::unexpected(good.error());
  }
  std::array<int, kMaxWireFds> fds{};
  std::size_t count = 0;
  UniqueFd bulk;
  ByteView inline_payload = frame.payload.view().RevealBytes();
  if (frame.payload.size() > kMaxInline) {
    // Ask before copying: a full socket would throw the copy away. What is writable for poll(2)
    // has room for a packet.
    pollfd writable{socket_.get(), POLLOUT, 0};
    if (::poll(&writable, 1, 0) == 0) {
      return false;
    }
    Result<UniqueFd> made = MakeBulk(frame.payload);
    if (!made) {
      return std::unexpected(made.error());
    }
    bulk = std::move(*made);
    fds[count++] = bulk.get();
    inline_payload = {};
  }
  for (const UniqueFd& fd : frame.fds) {
    fds[count++] = fd.get();
  }
  return SendParts(socket_.get(), peer_, MakeHeader(frame), inline_payload,
                   std::span(fds).first(count));
}

Result<std::optional<Frame>> Channel::TryReceive() {
  if (scratch_.empty()) {
    scratch_ = Plaintext::Zeroed(kMaxInline);
  }
  std::array<std::byte, kHeaderSize> header{};
  std::array<iovec, 2> parts = {{
      {header.data(), header.size()},
      {scratch_.mutable_bytes().data(), kMaxInline},
  }};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxWireFds)> control{};
  msghdr message{};
  ssize_t got = -1;
  for (int resets = 0; got < 0;) {
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got >= 0 || errno == EINTR) {
      continue;
    }
    if (errno == EAGAIN) {
      return std::nullopt;
    }
    // Told once when the peer closed without reading all that we sent; what it had sent before is
    // still in the queue and counts.
    if (errno == ECONNRESET && resets++ == 0) {
      continue;
    }
    return PeerGone(peer_);
  }

  Frame frame;
  const bool known = TakeDescriptors(message, frame.fds);
  if (got == 0 && frame.fds.empty()) {
    return PeerGone(peer_);
  }
  const std::size_t size = static_cast<std::size_t>(got);
  const std::span<std::byte> body =
      scratch_.mutable_bytes().first(size > kHeaderSize ? size - kHeaderSize : 0);
  Plaintext payload = Plaintext::Copy(ByteView(body));
  Wipe(body);

  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || !known) {
    return BadFrame(peer_, "longer than a frame may be, or with more descriptors");
  }
  if (size < kHeaderSize || header[0] != std::byte{kVersion}) {
    return BadFrame(peer_, "not of version 1");
  }
  const auto flags = std::to_integer<std::uint8_t>(header[1]);
  const std::uint32_t length = GetU32(header, 4);
  frame.type = static_cast<MessageType>(GetU16(header, 2));
  frame.request = GetU64(header, 8);
  frame.last = (flags & kFlagLast) != 0;
  if ((flags & ~(kFlagBulk | kFlagLast)) != 0) {
    return BadFrame(peer_, "unknown flags");
  }
  if (!MaySend(peer_, self_, frame.type)) {
    return BadFrame(peer_, "type " + std::to_string(GetU16(header, 2)) + " (" +
                               std::string(MessageTypeName(frame.type)) +
                               ") is not in the channel matrix");
  }
  if ((flags & kFlagBulk) != 0) {
    if (frame.fds.empty() || !payload.empty() || length <= kMaxInline || length > kMaxPayload) {
      return BadFrame(peer_, "a payload by descriptor that is none");
    }
    Result<Plaintext> bulk = TakeBulk(frame.fds.front(), length);
    if (!bulk) {
      return Wrap(bulk.error(), "frame from the " + std::string(ProcessKindName(peer_)));
    }
    payload = std::move(*bulk);
    frame.fds.erase(frame.fds.begin());
  } else if (length != payload.size()) {
    return BadFrame(peer_, "length " + std::to_string(length) + " with " +
                               std::to_string(payload.size()) + " bytes");
  }
  if (frame.fds.size() > kMaxFds) {
    return BadFrame(peer_, "too many descriptors");
  }
  frame.payload = std::move(payload);
  return std::optional<Frame>(std::move(frame));
}

namespace {

// Waits until `events` or the limit. Errors: kDeadlineExceeded.
Result<void> WaitFor(int fd, short events, BootClock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - BootClock::now()).count();
  if (left <= 0) {
    return Fail(ErrorCode::kDeadlineExceeded, "no message in time");
  }
  pollfd wait{fd, events, 0};
  if (::poll(&wait, 1, static_cast<int>(left)) < 0 && errno != EINTR) {
    return FailErrno("poll");
  }
  return {};
}

}  // namespace

Result<void> Channel::Send(const Frame& frame, int timeout_ms) {
  const BootClock::time_point until = BootClock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    Result<bool> sent = TrySend(frame);
    if (!sent) {
      return std::unexpected(sent.error());
    }
    if (*sent) {
      return {};
    }
    if (Result<void> ready = WaitFor(fd(), POLLOUT, until); !ready) {
      return ready;
    }
  }
}

Result<Frame> Channel::Receive(int timeout_ms) {
  const BootClock::time_point until = BootClock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    Result<std::optional<Frame>> frame = TryReceive();
    if (!frame) {
      return std::unexpected(frame.error());
    }
    if (*frame) {
      return std::move(**frame);
    }
    if (Result<void> ready = WaitFor(fd(), POLLIN, until); !ready) {
      return std::unexpected(ready.error());
    }
  }
}

}  // namespace casemate::ipc
