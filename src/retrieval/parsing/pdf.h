#pragma once

#include <cstddef>

#include "base/error.h"
#include "retrieval/messages.h"

namespace casemate::retrieval {

inline constexpr int kMaxPdfPages = 5000;
inline constexpr std::size_t kMaxPdfLines = 1'000'000;

// Loads the module with which the C library converts UTF-16, as poppler asks it to: it is a file.
void PreparePdf();

// A PDF's text in reading order, each block with its page (counted from 1, as viewers do), headings
// by size and weight of their letters; running heads, page numbers and hyphens at line ends are
// taken out. By poppler, which reads no file here: without its CMap files (poppler-data) fonts with
// predefined CJK encodings give no text. Errors: kInvalidArgument: encrypted, broken, or without
// text (scanned); kTooLarge: more than kMaxPdfPages or kMaxPdfLines.
[[nodiscard]] Result<ParsedDocument> ParsePdf(PlaintextView document);

}  // namespace casemate::retrieval
