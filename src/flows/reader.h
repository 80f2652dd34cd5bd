#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace casemate::flows {

// Reads the bytes of a peer that may be hostile, from front to back. The first thing that does not
// fit sticks: every later read gives zero or nothing, and error() says where it was and why. Views
// are valid as long as the bytes that the reader was made of.
class Reader {
 public:
  // `origin`: what these bytes' first one counts as, so that places refer to the whole message.
  explicit Reader(ByteView bytes, std::size_t origin = 0) : rest_(bytes), at_(origin) {}

  std::uint8_t U8() { return static_cast<std::uint8_t>(Integer(1)); }
  std::uint16_t U16() { return static_cast<std::uint16_t>(Integer(2)); }
  std::uint32_t U24() { return static_cast<std::uint32_t>(Integer(3)); }
  std::uint32_t U32() { return static_cast<std::uint32_t>(Integer(4)); }
  ByteView Take(std::size_t size);
  // A length of 1, 2, 3 or 4 bytes, and a reader of as many bytes as it says.
  Reader Block(std::size_t length_bytes);

  bool empty() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }
  std::size_t at() const { return at_; }
  ByteView rest() const { return rest_; }

  bool failed() const { return !why_.empty(); }
  void Reject(std::string_view why);
  // Takes over the failure of a reader made by Block.
  void Adopt(const Reader& part);
  // kInvalidArgument: "at byte 17: a length of 40 where 12 bytes are left".
  Error error() const;

 private:
  std::uint64_t Integer(std::size_t bytes);

  ByteView rest_;
  std::size_t at_;
  std::size_t failed_at_ = 0;
  std::string why_;
};

}  // namespace casemate::flows
