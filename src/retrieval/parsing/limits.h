#pragma once

#include <cstddef>

// What a document may be and become, whatever its kind; each format adds its own.
namespace casemate::retrieval {

inline constexpr std::size_t kMaxDocumentBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxParsedBytes = std::size_t{128} << 20;  // of text and separators
inline constexpr std::size_t kMaxBlocks = 1'000'000;

}  // namespace casemate::retrieval
