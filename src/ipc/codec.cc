#include "ipc/codec.h"

#include <algorithm>

namespace casemate::ipc {

void Encoder::PutInteger(std::uint64_t value, std::size_t bytes) {
  std::array<std::byte, 8> big_endian{};
  for (std::size_t i = 0; i < bytes; ++i) {
    big_endian[i] = static_cast<std::byte>((value >> (8 * (bytes - 1 - i))) & 0xff);
  }
  PutRaw(std::span(big_endian).first(bytes));
  Wipe(big_endian);  // a token count or a size, but it may as well be a token
}

void Encoder::PutBlock(ByteView bytes) {
  PutInteger(bytes.size(), 4);
  PutRaw(bytes);
}

void Encoder::PutRaw(ByteView bytes) { out_.Append(PlaintextView::Of(bytes)); }

void Decoder::operator()(std::string& value) {
  const ByteView block = GetBlock();
  value.assign(AsText(block));
}

void Decoder::operator()(Bytes& value) {
  const ByteView block = GetBlock();
  value.assign(block.begin(), block.end());
}

void Decoder::operator()(Plaintext& value) { value = Plaintext::Copy(GetBlock()); }

void Decoder::operator()(Key& value) { GetRaw(value.mutable_bytes()); }

Result<void> Decoder::Finish() {
  if (!failed() && !rest_.empty()) {
    Reject("bytes after the last field");
  }
  if (failed()) {
    return std::unexpected(error_);
  }
  return {};
}

std::uint64_t Decoder::GetInteger(std::size_t bytes) {
  if (failed() || rest_.size() < bytes) {
    Reject("the end inside a number");
    return 0;
  }
  std::uint64_t value = 0;
  for (std::byte byte : rest_.first(bytes)) {
    value = (value << 8) | std::to_integer<std::uint64_t>(byte);
  }
  rest_ = rest_.subspan(bytes);
  return value;
}

ByteView Decoder::GetBlock() {
  const std::uint64_t size = GetInteger(4);
  if (failed() || rest_.size() < size) {
    Reject("a length of more than is left");
    return {};
  }
  const ByteView block = rest_.first(size);
  rest_ = rest_.subspan(size);
  return block;
}

void Decoder::GetRaw(std::span<std::byte> out) {
  if (failed() || rest_.size() < out.size()) {
    std::ranges::fill(out, std::byte{0});
    Reject("the end inside a field of fixed size");
    return;
  }
  std::ranges::copy(rest_.first(out.size()), out.begin());
  rest_ = rest_.subspan(out.size());
}

void Decoder::Reject(const char* why) {
  if (failed()) {
    return;
  }
  error_.code = ErrorCode::kInvalidArgument;
  error_.message = "message refused at byte " + std::to_string(total_ - rest_.size()) + " of " +
                   std::to_string(total_) + ": " + why;
  rest_ = {};  // every later field reads as zero
}

}  // namespace casemate::ipc
