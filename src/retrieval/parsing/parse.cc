#include "retrieval/parsing/parse.h"

#include <array>

#include "retrieval/parsing/decode.h"
#include "retrieval/parsing/html.h"
#include "retrieval/parsing/markdown.h"
#include "retrieval/parsing/text.h"

namespace casemate::retrieval {
namespace {

constexpr std::array kFormats = {
    Format{.name = "text", .is_text = true, .parse = ParseText},
    Format{.name = "markdown", .is_text = true, .parse = ParseMarkdown},
    Format{.name = "html", .is_text = true, .parse = ParseHtml},
};

}  // namespace

std::span<const Format> Formats() { return kFormats; }

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
    names += (names.empty() ? "" : ", ") + std::string(known.name);
    if (known.name != format) {
      continue;
    }
    if (!known.is_text) {
      return known.parse(document);
    }
    Result<Plaintext> text = DecodeText(document);
    if (!text) {
      return std::unexpected(text.error());
    }
    Result<ParsedDocument> parsed = known.parse(*text);
    if (parsed && parsed->blocks.empty()) {
      return Fail(ErrorCode::kInvalidArgument, "the document holds no text");
    }
    return parsed;
  }
  return Fail(ErrorCode::kInvalidArgument, "format not known; there are: " + names);
}

}  // namespace casemate::retrieval
