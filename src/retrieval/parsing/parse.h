#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "retrieval/messages.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

inline constexpr std::size_t kMaxDocumentBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxParsedBytes = std::size_t{128} << 20;  // of text and separators
inline constexpr std::size_t kMaxBlocks = 1'000'000;

// One kind of document. `parse` gets the document as UTF-8 with "\n" line ends, never empty.
// Formats that are no text (a PDF) set `is_text` to false and get the bytes as they came.
struct Format {
  std::string_view name;
  bool is_text = true;
  Result<ParsedDocument> (*parse)(PlaintextView document) = nullptr;
};

// The formats of this build: "text", "markdown", "html".
std::span<const Format> Formats();

// Turns a document into text and blocks; runs in a process of its own, which ends afterwards.
// Errors: kInvalidArgument: "format ...: there are ...", "empty file", "binary file", "encoding",
// or no text in it; kTooLarge: a limit above or the format's nesting.
[[nodiscard]] Result<ParsedDocument> Parse(std::string_view format, PlaintextView document);

}  // namespace casemate::retrieval
