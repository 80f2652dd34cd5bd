#include "base/bytes.h"

#include <array>
#include <optional>

namespace casemate {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return std::nullopt;
}

// Groups the bits of `bytes` into digits of `bits` bits, the last filled up with zero bits.
std::string EncodeBits(ByteView bytes, std::string_view alphabet, unsigned bits) {
  std::string out;
  out.reserve(((bytes.size() * 8) + bits - 1) / bits);
  std::uint32_t buffer = 0;
  unsigned held = 0;
  for (std::byte byte : bytes) {
    buffer = (buffer << 8) | std::to_integer<std::uint32_t>(byte);
    held += 8;
    while (held >= bits) {
      held -= bits;
      out.push_back(alphabet[(buffer >> held) & ((1U << bits) - 1)]);
    }
  }
  if (held > 0) {
    out.push_back(alphabet[(buffer << (bits - held)) & ((1U << bits) - 1)]);
  }
  return out;
}

// The reverse; refuses unknown digits, left-over digits and fill bits that are not zero, so that
// every byte string has one text.
Result<Bytes> DecodeBits(std::string_view text, std::string_view alphabet, unsigned bits) {
  Bytes out;
  out.reserve(text.size() * bits / 8);
  std::uint32_t buffer = 0;
  unsigned held = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = alphabet.find(text[i]);
    if (digit == std::string_view::npos) {
      return Fail(ErrorCode::kInvalidArgument,
                  "character that is no digit at offset " + std::to_string(i));
    }
    buffer = (buffer << bits) | static_cast<std::uint32_t>(digit);
    held += bits;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<std::byte>((buffer >> held) & 0xff));
    }
  }
  if (held >= bits || (buffer & ((1U << held) - 1)) != 0) {
    return Fail(ErrorCode::kInvalidArgument, "length or last digit that no encoder writes (" +
                                                 std::to_string(text.size()) + " digits)");
  }
  return out;
}

}  // namespace

std::string ToHex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::byte byte : bytes) {
    out.push_back(kHex[std::to_integer<unsigned>(byte) >> 4]);
    out.push_back(kHex[std::to_integer<unsigned>(byte) & 0xf]);
  }
  return out;
}

Result<Bytes> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "odd number of hexadecimal digits: " + std::to_string(text.size()));
  }
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = HexDigit(text[i]);
    const auto low = HexDigit(text[i + 1]);
    if (!high || !low) {
      return Fail(ErrorCode::kInvalidArgument,
                  "no hexadecimal digit at offset " + std::to_string(high ? i + 1 : i));
    }
    out.push_back(static_cast<std::byte>((*high << 4) | *low));
  }
  return out;
}

std::string ToBase64(ByteView bytes) {
  std::string out = EncodeBits(bytes, kBase64, 6);
  out.append((4 - (out.size() % 4)) % 4, '=');
  return out;
}

Result<Bytes> FromBase64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return Fail(ErrorCode::kInvalidArgument, "base64 of " + std::to_string(text.size()) +
                                                 " characters, expected a multiple of 4");
  }
  std::size_t padding = 0;
  while (padding < 2 && !text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  return DecodeBits(text, kBase64, 6);
}

std::string ToBase64Url(ByteView bytes) { return EncodeBits(bytes, kBase64Url, 6); }
std::string ToBase32(ByteView bytes) { return EncodeBits(bytes, kBase32, 5); }
Result<Bytes> FromBase32(std::string_view text) { return DecodeBits(text, kBase32, 5); }

void PutU16(Bytes& out, std::uint16_t value) {
  out.push_back(static_cast<std::byte>(value >> 8));
  out.push_back(static_cast<std::byte>(value & 0xff));
}
void PutU32(Bytes& out, std::uint32_t value) {
  PutU16(out, static_cast<std::uint16_t>(value >> 16));
  PutU16(out, static_cast<std::uint16_t>(value & 0xffff));
}
void PutU64(Bytes& out, std::uint64_t value) {
  PutU32(out, static_cast<std::uint32_t>(value >> 32));
  PutU32(out, static_cast<std::uint32_t>(value & 0xffffffff));
}
std::uint16_t GetU16(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>((std::to_integer<unsigned>(bytes[at]) << 8) |
                                    std::to_integer<unsigned>(bytes[at + 1]));
}
std::uint32_t GetU32(ByteView bytes, std::size_t at) {
  return (static_cast<std::uint32_t>(GetU16(bytes, at)) << 16) | GetU16(bytes, at + 2);
}
std::uint64_t GetU64(ByteView bytes, std::size_t at) {
  return (static_cast<std::uint64_t>(GetU32(bytes, at)) << 32) | GetU32(bytes, at + 4);
}
void Put(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }

}  // namespace casemate
