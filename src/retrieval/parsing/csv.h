#pragma once

#include <cstddef>

#include "base/error.h"
#include "retrieval/messages.h"

namespace casemate::retrieval {

inline constexpr std::size_t kMaxColumns = 1024;
inline constexpr std::size_t kMaxCellBytes = std::size_t{1} << 20;

// Comma-separated values (RFC 4180) as lines "header: value; header: value", one a record, so that
// each stands alone in a search; long records go on in further lines that begin with the first
// cell. The delimiter is the one of , ; tab | that parts the first records most evenly; quoted
// cells may hold delimiters and line ends. Without a row that looks like a header (texts, each
// another) the cells stand alone, " | " between. `text` is UTF-8 with "\n" line ends. Errors:
// kTooLarge: a cell over kMaxCellBytes, or more than kMaxColumns; kInvalidArgument: a quote that
// does not end.
[[nodiscard]] Result<ParsedDocument> ParseCsv(PlaintextView text);
// The same, parted by tabs.
[[nodiscard]] Result<ParsedDocument> ParseTsv(PlaintextView text);

}  // namespace casemate::retrieval
