#include "retrieval/parsing/office.h"

#include <algorithm>
#include <string>

#include "retrieval/parsing/zip.h"

namespace casemate::retrieval {

Result<ParsedDocument> ParseOffice(PlaintextView archive) {
  Result<std::set<std::string>> names = ListZip(archive);
  if (!names) {
    return std::unexpected(names.error());
  }
  const auto any = [&](std::string_view folder) {
    return std::ranges::any_of(*names,
                               [&](const std::string& name) { return name.starts_with(folder); });
  };
  if (names->contains("META-INF/container.xml")) {
    return ParseEpub(archive);
  }
  if (names->contains("word/document.xml")) {
    return ParseDocx(archive);
  }
  if (any("xl/")) {
    return Fail(ErrorCode::kInvalidArgument,
                "a spreadsheet (XLSX): spreadsheets are not read; save it as CSV");
  }
  if (any("ppt/")) {
    return Fail(ErrorCode::kInvalidArgument,
                "slides (PPTX): slides are not read; save them as PDF");
  }
  if (names->contains("content.xml")) {
    return ParseOdt(archive);
  }
  if (any("word/")) {
    return Fail(ErrorCode::kInvalidArgument,
                "broken: a DOCX without its text (word/document.xml); save the document again");
  }
  return Fail(ErrorCode::kInvalidArgument,
              "a ZIP archive that is no DOCX, ODT or EPUB: unpack it first");
}

}  // namespace casemate::retrieval
