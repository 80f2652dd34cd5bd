#include "retrieval/parsing/parse.h"

#include <array>

#include "retrieval/format.h"
#include "retrieval/parsing/csv.h"
#include "retrieval/parsing/decode.h"
#include "retrieval/parsing/html.h"
#include "retrieval/parsing/mail.h"
#include "retrieval/parsing/markdown.h"
#include "retrieval/parsing/text.h"
#ifdef CASEMATE_HAS_PDF
#include "retrieval/parsing/pdf.h"
#endif
#ifdef CASEMATE_HAS_OFFICE
#include "retrieval/parsing/office.h"
#endif

namespace casemate::retrieval {
namespace {

Result<ParsedDocument> ParseAttachment(PlaintextView name, PlaintextView content,
                                       MailBudget& budget) {
  Result<std::string> format = DetectFormat(name, content);
  if (!format) {
    return std::unexpected(format.error());
  }
  return *format == "email" ? ParseMail(content, ParseAttachment, budget) : Parse(*format, content);
}

Result<ParsedDocument> ParseWholeMail(PlaintextView document) {
  MailBudget budget;
  return ParseMail(document, ParseAttachment, budget);
}

constexpr std::array kFormats = {
    Format{.name = "text", .is_text = true, .parse = ParseText},
    Format{.name = "markdown", .is_text = true, .parse = ParseMarkdown},
    Format{.name = "html", .is_text = true, .parse = ParseHtml},
    Format{.name = "csv", .is_text = true, .parse = ParseCsv},
    Format{.name = "tsv", .is_text = true, .parse = ParseTsv},
    Format{.name = "email", .is_text = false, .parse = ParseWholeMail},
#ifdef CASEMATE_HAS_PDF
    Format{.name = "pdf", .is_text = false, .parse = ParsePdf},
#else
    Format{.name = "pdf", .is_text = false, .parse = nullptr},
#endif
#ifdef CASEMATE_HAS_OFFICE
    Format{.name = "archive", .is_text = false, .parse = ParseOffice},
#else
    Format{.name = "archive", .is_text = false, .parse = nullptr},
#endif
};

Result<ParsedDocument> ParseAs(const Format& format, PlaintextView document) {
  if (format.parse == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(format.name) + " is not read by this build of Casemate");
  }
  Result<Plaintext> text = format.is_text ? DecodeText(document) : Plaintext();
  if (!text) {
    return std::unexpected(text.error());
  }
  Result<ParsedDocument> parsed = format.parse(format.is_text ? text->view() : document);
  if (parsed && parsed->blocks.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the document holds no text");
  }
  return parsed;
}

}  // namespace

std::span<const Format> Formats() { return kFormats; }

void PrepareParsers() {
#ifdef CASEMATE_HAS_PDF
  PreparePdf();
#endif
}

Result<ParsedDocument> Parse(std::string_view format, PlaintextView document) {
  if (document.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "empty file");
  }
  if (document.size() > kMaxDocumentBytes) {
    return Fail(ErrorCode::kTooLarge, "document of " + std::to_string(document.size()) +
                                          " bytes, the limit is " +
                                          std::to_string(kMaxDocumentBytes));
  }
  std::string names;
  for (const Format& known : kFormats) {
    if (known.name == format) {
      return ParseAs(known, document);
    }
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  return Fail(ErrorCode::kInvalidArgument, "format not known; there are: " + names);
}

}  // namespace casemate::retrieval
