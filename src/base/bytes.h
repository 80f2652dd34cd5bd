#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

// Public bytes: ciphertext, digests, ids. Secrets have their own types (secmem/).
namespace casemate {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

inline ByteView AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }
inline std::string_view AsText(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal. FromHex accepts both cases. Errors: kInvalidArgument, with the offset.
std::string ToHex(ByteView bytes);
[[nodiscard]] Result<Bytes> FromHex(std::string_view text);

// RFC 4648 section 4, with padding; FromBase64 refuses anything that ToBase64 would not write.
std::string ToBase64(ByteView bytes);
[[nodiscard]] Result<Bytes> FromBase64(std::string_view text);
// RFC 4648 section 5 (url-safe), without padding.
std::string ToBase64Url(ByteView bytes);

// RFC 4648 section 6 alphabet in lower case, without padding: file names and typed ids.
std::string ToBase32(ByteView bytes);
[[nodiscard]] Result<Bytes> FromBase32(std::string_view text);

// Big-endian integers, as every format of ours has them.
void PutU16(Bytes& out, std::uint16_t value);
void PutU32(Bytes& out, std::uint32_t value);
void PutU64(Bytes& out, std::uint64_t value);
// The caller has checked that the bytes are there.
std::uint16_t GetU16(ByteView bytes, std::size_t at = 0);
std::uint32_t GetU32(ByteView bytes, std::size_t at = 0);
std::uint64_t GetU64(ByteView bytes, std::size_t at = 0);
void Put(Bytes& out, ByteView more);

}  // namespace casemate
