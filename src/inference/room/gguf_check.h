#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace casemate::inference {

// What a model file says of itself, once every length, count and offset of its metadata has been
// held against the file's size.
struct GgufFacts {
  std::uint32_t version = 0;  // 2 or 3
  std::uint64_t tensors = 0;
  std::uint64_t keys = 0;
  std::uint64_t data_offset = 0;  // of the first tensor's bytes
  std::string architecture;       // general.architecture, at most 64 bytes
};

inline constexpr std::uint64_t kMaxGgufTensors = 65'536;
inline constexpr std::uint64_t kMaxGgufKeys = 65'536;
inline constexpr std::uint64_t kMaxGgufName = 1'024;           // bytes of a key or a tensor's name
inline constexpr std::uint64_t kMaxGgufText = 1ULL << 20;      // bytes of a text value
inline constexpr std::uint64_t kMaxGgufElements = 16'777'216;  // of one array

// Reads the metadata of a GGUF file (github.com/ggml-org/ggml, docs/gguf.md) without allocating
// what it announces, before libllama sees it: magic, version, counts, texts, arrays, tensor shapes,
// types and offsets, and that every tensor lies inside the file. A file in parts
// (`split.count` > 1) is refused.
//
// Errors: kInvalidArgument: not such a file, damaged or cut short; the message names the place.
[[nodiscard]] Result<GgufFacts> CheckGguf(ByteView file);

}  // namespace casemate::inference
