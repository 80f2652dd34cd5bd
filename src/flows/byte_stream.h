#pragma once

#include <cstdint>
#include <map>

#include "base/bytes.h"

namespace casemate::flows {

// One direction of a TCP connection, as far as a handshake needs it: the bytes from its beginning,
// in order. Bounded: at most kMaxKept bytes are put together and kMaxPending wait behind a hole;
// what comes after is counted only. Where segments overlap the first bytes that came count
// (RFC 9293 leaves it open; a sender that says two things at one place is lying to somebody).
class ByteStream {
 public:
  static constexpr std::size_t kMaxKept = std::size_t{128} * 1024;
  static constexpr std::size_t kMaxPending = std::size_t{128} * 1024;

  // SYN at `sequence`.
  void Begin(std::uint32_t sequence);
  // A segment; `wire` is its length on the wire, more than bytes.size() where the capture cut it.
  // Returns how many bytes were put at the end.
  std::size_t Add(std::uint32_t sequence, ByteView bytes, std::uint32_t wire);

  const Bytes& bytes() const { return bytes_; }
  std::size_t held() const { return bytes_.size() + pending_bytes_; }
  std::uint64_t wire_bytes() const { return wire_bytes_; }
  // The beginning was not seen: the capture started in the middle.
  bool from_middle() const { return from_middle_; }
  // Nothing more can be put together: cut by the capture's snap length, lost, or over a limit.
  bool stuck() const { return stuck_; }
  // The handshake is over: lets go of what was kept and counts on.
  void Release();

 private:
  std::size_t Append(ByteView bytes, std::uint32_t wire);

  Bytes bytes_;
  std::map<std::uint32_t, Bytes> pending_;  // by distance from `first_`
  std::size_t pending_bytes_ = 0;
  std::uint32_t first_ = 0;  // sequence number of bytes_[0]
  std::uint64_t wire_bytes_ = 0;
  bool begun_ = false;
  bool from_middle_ = false;
  bool stuck_ = false;
  bool released_ = false;
};

}  // namespace casemate::flows
