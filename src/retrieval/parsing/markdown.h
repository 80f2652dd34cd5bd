#pragma once

#include "base/error.h"
#include "retrieval/messages.h"

namespace casemate::retrieval {

// Markdown's blocks, near to CommonMark: headings of both kinds, paragraphs, list items, fenced and
// indented code, tables as text; quotes are read as what they quote; front matter, comments, rules
// and link definitions are left out. Of links and emphasis the text stays. Work is linear in the
// document's size. `text` is UTF-8 with "\n" line ends. Errors: kTooLarge.
[[nodiscard]] Result<ParsedDocument> ParseMarkdown(PlaintextView text);

// The text of one block's inline content. Exposed for its tests.
[[nodiscard]] Plaintext StripInlineMarkdown(PlaintextView text);

}  // namespace casemate::retrieval
