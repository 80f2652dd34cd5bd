#include "flows/reader.h"

namespace casemate::flows {

ByteView Reader::Take(std::size_t size) {
  if (failed()) {
    return {};
  }
  if (size > rest_.size()) {
    Reject(std::to_string(size) + " bytes expected where " + std::to_string(rest_.size()) +
           " are left");
    return {};
  }
  const ByteView taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  at_ += size;
  return taken;
}

std::uint64_t Reader::Integer(std::size_t bytes) {
  std::uint64_t value = 0;
  for (const std::byte byte : Take(bytes)) {
    value = value << 8 | std::to_integer<std::uint64_t>(byte);
  }
  return value;
}

Reader Reader::Block(std::size_t length_bytes) {
  const std::uint64_t length = Integer(length_bytes);
  const std::size_t origin = at_;
  return Reader(Take(length), origin);
}

void Reader::Reject(std::string_view why) {
  if (!failed()) {
    why_ = why;
    failed_at_ = at_;
    rest_ = {};
  }
}

void Reader::Adopt(const Reader& part) {
  if (part.failed() && !failed()) {
    why_ = part.why_;
    failed_at_ = part.failed_at_;
    rest_ = {};
  }
}

Error Reader::error() const {
  return Error{.code = ErrorCode::kInvalidArgument,
               .message = "at byte " + std::to_string(failed_at_) + ": " + why_,
               .param = {},
               .detail = {}};
}

}  // namespace casemate::flows
