#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

// Little-endian integers of AMD's, Intel's and NVIDIA's structures. The caller has checked sizes.
namespace casemate::attestation {

inline std::uint64_t GetLittle(ByteView bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i > 0; --i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i - 1]);
  }
  return value;
}
inline std::uint16_t GetLittle16(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(GetLittle(bytes, at, 2));
}
inline std::uint32_t GetLittle32(ByteView bytes, std::size_t at) {
  return static_cast<std::uint32_t>(GetLittle(bytes, at, 4));
}
inline std::uint64_t GetLittle64(ByteView bytes, std::size_t at) { return GetLittle(bytes, at, 8); }

inline bool AllZero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}
inline Bytes Copy(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace casemate::attestation
