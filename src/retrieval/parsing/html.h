#pragma once

#include <cstddef>

#include "base/error.h"
#include "retrieval/messages.h"

namespace casemate::retrieval {

inline constexpr std::size_t kMaxHtmlDepth = 4096;  // open elements

// HTML as browsers read it (WHATWG, by lexbor): title, headings, paragraphs, lists, code, tables
// and the terms of definition lists. Scripts, styles, forms, navigation and the side bars and
// permalinks of documentation generators are left out; where the page marks its main part, only
// that is read. Errors: kTooLarge: nested deeper than kMaxHtmlDepth, or over a limit of limits.h.
[[nodiscard]] Result<ParsedDocument> ParseHtml(PlaintextView text);

}  // namespace casemate::retrieval
