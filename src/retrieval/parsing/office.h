#pragma once

#include "base/error.h"
#include "retrieval/messages.h"

namespace casemate::retrieval {

// A ZIP container, by what is in it: DOCX, ODT or EPUB. Errors: kInvalidArgument: another kind,
// which the message names, encrypted or broken; kTooLarge: a limit of zip.h or xml.h.
[[nodiscard]] Result<ParsedDocument> ParseOffice(PlaintextView archive);

// ECMA-376 (WordprocessingML): headings by style or outline level, lists, tables, footnotes and
// endnotes. Left out: headers and footers, comments, deleted text, fields' codes, pictures.
[[nodiscard]] Result<ParsedDocument> ParseDocx(PlaintextView archive);

// ODF 1.2 text: headings, lists, tables, notes. Left out: tables of contents, tracked deletions,
// annotations, headers and footers.
[[nodiscard]] Result<ParsedDocument> ParseOdt(PlaintextView archive);

// EPUB 2 and 3: the XHTML files of the spine, in its order. Errors: also kInvalidArgument: DRM.
[[nodiscard]] Result<ParsedDocument> ParseEpub(PlaintextView archive);

}  // namespace casemate::retrieval
