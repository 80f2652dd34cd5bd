#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "ipc/matrix.h"
#include "secmem/plaintext.h"

namespace casemate::ipc {

// One message as it travels: header of 16 bytes (version u8 = 1, flags u8, type u16, length u32,
// request id u64, all big-endian), then the payload. Up to kMaxInline bytes travel inline; a larger
// payload travels in a memfd (flag bit 0), sealed against resizing, which the receiver copies out
// and then overwrites with zeros. Flag bit 1 marks the last message of an answer. SOCK_SEQPACKET
// keeps the borders. docs/formats/ipc.md.
struct Frame {
  MessageType type{};
  std::uint64_t request =
      0;  // chosen by who asks: odd on one end, even on the other; 0: no request
  Plaintext payload;
  std::vector<UniqueFd> fds;  // passed along, kMaxFds at most
  bool last = false;          // ends the answer to `request`
};

inline constexpr std::size_t kHeaderSize = 16;
inline constexpr std::size_t kMaxInline = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxPayload = std::size_t{512} * 1024 * 1024;  // through a descriptor
inline constexpr std::size_t kMaxFds = 4;                                   // the caller's own

// A frame ready for the wire: checked against the matrix, its payload moved to a memfd where it is
// large. Made outside of any lock; sending it costs one system call.
struct Packet {
  std::array<std::byte, kHeaderSize> header{};
  Plaintext inline_payload;
  std::vector<UniqueFd> fds;      // the memfd first, where there is one
  std::size_t payload_bytes = 0;  // inline or not
};

// One end of a socket pair between two kinds of process; every frame is checked against the channel
// matrix in both directions. Non-blocking. Threads: one sender and one receiver at a time may run
// together.
class Channel {
 public:
  // Both ends, CLOEXEC.
  [[nodiscard]] static Result<std::pair<UniqueFd, UniqueFd>> MakePair();
  Channel(UniqueFd socket, ProcessKind self, ProcessKind peer);
  Channel(Channel&&) noexcept = default;
  Channel& operator=(Channel&&) noexcept = default;
  ~Channel() = default;

  // For poll(2): readable when a frame or the end of the peer is there.
  int fd() const { return socket_.get(); }
  ProcessKind self() const { return self_; }
  ProcessKind peer() const { return peer_; }

  // true: sent. false: the socket is full, wait for writability. Errors: kPermissionDenied: not in
  // the matrix. kUnavailable: the peer is gone. kTooLarge.
  [[nodiscard]] Result<bool> TrySend(const Frame& frame);
  // The same in two steps. Errors of Pack: as TrySend, and kResourceExhausted: no memory for the
  // memfd.
  [[nodiscard]] static Result<Packet> Pack(Frame frame, ProcessKind self, ProcessKind peer);
  [[nodiscard]] Result<bool> TrySend(const Packet& packet);
  // Nothing: no frame yet. Errors: kUnavailable: the peer is gone. kIntegrityFailure: a frame that
  // breaks the format or the matrix; the channel must be closed then.
  [[nodiscard]] Result<std::optional<Frame>> TryReceive();

  // Blocking forms for start-up code, with a limit in milliseconds. Errors: also kDeadlineExceeded.
  [[nodiscard]] Result<void> Send(const Frame& frame, int timeout_ms);
  [[nodiscard]] Result<Frame> Receive(int timeout_ms);

 private:
  UniqueFd socket_;
  ProcessKind self_;
  ProcessKind peer_;
  Plaintext scratch_;  // kMaxInline bytes to receive into, all zero between calls
};

}  // namespace casemate::ipc
