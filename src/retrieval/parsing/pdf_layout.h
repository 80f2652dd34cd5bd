#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "retrieval/messages.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

// A line of a page as it is set, in reading order. Lengths are in points, y grows downwards.
struct PdfLine {
  Plaintext text;     // UTF-8
  double x = 0;       // its left end
  double y = 0;       // its lower edge
  double size = 0;    // of its letters
  bool bold = false;  // all of it
  std::uint32_t page = 0;
};

// Lines to headings, paragraphs and list items: docs/decisions/0011-documents.md. Of pages of which
// no line is left nothing is told. Errors: kTooLarge.
[[nodiscard]] Result<ParsedDocument> LayOutPdf(std::vector<PdfLine> lines, PlaintextView title);

}  // namespace casemate::retrieval
