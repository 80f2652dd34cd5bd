#pragma once

#include "base/error.h"
#include "retrieval/messages.h"

namespace casemate::retrieval {

// Plain text: paragraphs are what blank lines part. `text` is UTF-8 with "\n" line ends. Errors:
// kTooLarge.
[[nodiscard]] Result<ParsedDocument> ParseText(PlaintextView text);

}  // namespace casemate::retrieval
