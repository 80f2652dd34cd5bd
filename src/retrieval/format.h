#pragma once

#include <string>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

// What a document is, by its first bytes and the end of its name: "text", "markdown", "html",
// "csv", "tsv", "email", "pdf", or "archive" (DOCX, ODT or EPUB: the parser looks inside). Content
// beats the name where it is clear, and a name that promises a kind that the content is not is an
// error. Looks at bytes only and unpacks nothing. Errors: kInvalidArgument: empty, of a kind that
// is not read, encrypted, or misnamed; the message says what it seems to be and what to do.
[[nodiscard]] Result<std::string> DetectFormat(PlaintextView name, PlaintextView content);

}  // namespace casemate::retrieval
