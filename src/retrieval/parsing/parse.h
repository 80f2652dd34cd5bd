#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "retrieval/messages.h"
#include "retrieval/parsing/limits.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

// One kind of document. `parse` gets the document as UTF-8 with "\n" line ends, never empty.
// Formats that are no text (a PDF) set `is_text` to false and get the bytes as they came.
struct Format {
  std::string_view name;
  bool is_text = true;
  Result<ParsedDocument> (*parse)(PlaintextView document) =
      nullptr;  // nullptr: left out of this build
};

// "text", "markdown", "html", "csv", "tsv", "email", and "pdf" and "archive" (DOCX, ODT, EPUB),
// which a build may lack.
std::span<const Format> Formats();

// Loads what parsers would load from disk later. Call it before the sandbox, which has no files.
void PrepareParsers();

// Turns a document into text and blocks; runs in a process of its own, which ends afterwards.
// Errors: kInvalidArgument: "format ...: there are ...", "empty file", "binary file", "encoding",
// "encrypted", broken, or no text in it; kTooLarge: a limit of limits.h or of the format. Each says
// what to do.
[[nodiscard]] Result<ParsedDocument> Parse(std::string_view format, PlaintextView document);

}  // namespace casemate::retrieval
