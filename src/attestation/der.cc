#include "attestation/der.h"

namespace casemate::attestation {
namespace {

constexpr std::size_t kMostValues = 256;

unsigned At(ByteView bytes, std::size_t i) { return std::to_integer<unsigned>(bytes[i]); }

}  // namespace

std::optional<std::vector<DerValue>> ReadDer(ByteView content) {
  std::vector<DerValue> values;
  while (!content.empty()) {
    if (content.size() < 2 || values.size() == kMostValues || (At(content, 0) & 0x1F) == 0x1F) {
      return std::nullopt;
    }
    std::size_t size = At(content, 1);
    std::size_t head = 2;
    if (size >= 0x80) {
      const std::size_t bytes = size & 0x7F;
      if (bytes == 0 || bytes > 3 || content.size() < 2 + bytes) {
        return std::nullopt;
      }
      size = 0;
      for (std::size_t i = 0; i < bytes; ++i) {
        size = size << 8 | At(content, 2 + i);
      }
      head += bytes;
    }
    if (size > content.size() - head) {
      return std::nullopt;
    }
    const ByteView body = content.subspan(head, size);
    values.push_back({.tag = At(content, 0), .content = Bytes(body.begin(), body.end())});
    content = content.subspan(head + size);
  }
  return values;
}

std::string OidText(ByteView content) {
  if (content.empty() || content.size() > 64 || (At(content, content.size() - 1) & 0x80) != 0) {
    return {};
  }
  std::string text;
  std::uint64_t arc = 0;
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (arc > (std::uint64_t{1} << 56)) {
      return {};
    }
    arc = arc << 7 | (At(content, i) & 0x7F);
    if ((At(content, i) & 0x80) != 0) {
      continue;
    }
    if (text.empty()) {
      const std::uint64_t first = arc < 80 ? arc / 40 : 2;
      text = std::to_string(first) + "." + std::to_string(arc - first * 40);
    } else {
      text += "." + std::to_string(arc);
    }
    arc = 0;
  }
  return text;
}

std::optional<std::uint32_t> DerUnsigned(const DerValue& value) {
  if (value.tag != 2 || value.content.empty() || value.content.size() > 5 ||
      (At(value.content, 0) & 0x80) != 0) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < value.content.size(); ++i) {
    number = number << 8 | At(value.content, i);
  }
  return number <= 0xFFFFFFFF ? std::optional(static_cast<std::uint32_t>(number)) : std::nullopt;
}

}  // namespace casemate::attestation
