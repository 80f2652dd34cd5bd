#include "retrieval/parsing/pdf.h"

#include <iconv.h>
#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-page.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <string>

#include "retrieval/parsing/decode.h"
#include "retrieval/parsing/pdf_layout.h"

namespace casemate::retrieval {
namespace {

// A gap that no space was written into, in parts of the letters' size.
constexpr double kWordGap = 0.15;
constexpr double kLineGap = 6;  // wider: another column

void IgnoreMessage(const std::string&, void*) {}  // they quote the document

Plaintext Utf8(const poppler::ustring& text) {
  Plaintext out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char32_t code = text[i];
    if (code >= 0xD800 && code <= 0xDBFF && i + 1 < text.size() && text[i + 1] >= 0xDC00 &&
        text[i + 1] <= 0xDFFF) {
      code = 0x10000 + ((code - 0xD800) << 10U) + (text[i + 1] - 0xDC00U);
      ++i;
    }
    constexpr std::string_view kLigatures[] = {"ff", "fi", "fl", "ffi", "ffl", "st", "st"};
    if (code >= 0xFB00 && code <= 0xFB06) {
      out.AppendLiteral(kLigatures[code - 0xFB00]);
    } else if (code >= 0x20 && code != 0x7F) {
      AppendUtf8(out, code);
    } else {
      out.AppendLiteral(" ");
    }
  }
  return out;
}

struct Box {
  double left = 0;
  double right = 0;
  double top = 0;
  double bottom = 0;
};

// As if the page were turned so that the text runs from left to right.
Box BoxOf(const poppler::text_box& word) {
  const poppler::rectf box = word.bbox();
  if (word.rotation() % 2 == 0) {
    return {box.left(), box.right(), box.top(), box.bottom()};
  }
  return {box.top(), box.bottom(), box.left(), box.right()};
}

bool IsBold(const poppler::text_box& word) {
  const std::string name = word.has_font_info() ? word.get_font_name() : std::string();
  return name.find("Bold") != name.npos || name.find("bold") != name.npos ||
         name.find("Black") != name.npos || name.find("Heavy") != name.npos;
}

// Puts the words of a page, which come in reading order, into lines.
class LineBuilder {
 public:
  LineBuilder(std::vector<PdfLine>& lines, std::uint32_t page) : lines_(lines), page_(page) {}

  void Add(const poppler::text_box& word) {
    const Plaintext text = Utf8(word.text());
    if (text.empty()) {
      return;
    }
    const Box box = BoxOf(word);
    const double height = std::max(box.bottom - box.top, 1.0);
    const double size = word.has_font_info() ? word.get_font_size() : height;
    if (open_ && Continues(box, size)) {
      PdfLine& line = lines_.back();
      line.text.AppendLiteral(space_after_ || box.left - last_.right > kWordGap * size ? " " : "");
      line.text.Append(text);
      line.bold = line.bold && IsBold(word);
      line.size = std::max(line.size, size);
      line.y = std::max(line.y, box.bottom);
    } else {
      lines_.push_back({.text = Plaintext::Copy(text.view()),
                        .x = box.left,
                        .y = box.bottom,
                        .size = size,
                        .bold = IsBold(word),
                        .page = page_});
    }
    open_ = true;
    last_ = box;
    space_after_ = word.has_space_after();
  }

 private:
  bool Continues(const Box& box, double size) const {
    const double shared = std::min(box.bottom, last_.bottom) - std::max(box.top, last_.top);
    const double lower = std::min(box.bottom - box.top, last_.bottom - last_.top);
    return shared > lower / 2 && box.left > last_.right - size / 2 &&
           box.left - last_.right < kLineGap * size;
  }

  std::vector<PdfLine>& lines_;
  std::uint32_t page_;
  bool open_ = false;
  bool space_after_ = false;
  Box last_;
};

Result<ParsedDocument> ReadPages(const poppler::document& document) {
  const int pages = document.pages();
  if (pages <= 0) {
    return Fail(ErrorCode::kInvalidArgument, "broken: a PDF without pages; save it again");
  }
  if (pages > kMaxPdfPages) {
    return Fail(ErrorCode::kTooLarge, "a PDF of " + std::to_string(pages) + " pages, at most " +
                                          std::to_string(kMaxPdfPages) +
                                          " are read: split it into several");
  }
  std::vector<PdfLine> lines;
  for (int i = 0; i < pages; ++i) {
    const std::unique_ptr<poppler::page> page(document.create_page(i));
    if (!page) {
      continue;  // one that is broken
    }
    LineBuilder builder(lines, static_cast<std::uint32_t>(i) + 1);
    for (const poppler::text_box& word : page->text_list(poppler::page::text_list_include_font)) {
      builder.Add(word);
    }
    if (lines.size() > kMaxPdfLines) {
      return Fail(ErrorCode::kTooLarge,
                  "a PDF of more than " + std::to_string(kMaxPdfLines) + " lines: split it");
    }
  }
  if (lines.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "no text in " + std::to_string(pages) + (pages == 1 ? " page" : " pages") +
                    ": scanned? Casemate does not do OCR yet; add a text layer with an OCR "
                    "program first");
  }
  return LayOutPdf(std::move(lines), Utf8(document.get_title()));
}

}  // namespace

void PreparePdf() {
  // Kept open for the process's life, so that the module stays.
  static const iconv_t kept = ::iconv_open("UTF-16", "UTF-8");
  (void)kept;
}

Result<ParsedDocument> ParsePdf(PlaintextView document) {
  try {
    poppler::set_debug_error_function(IgnoreMessage, nullptr);
    const std::string_view bytes = document.Reveal();
    const std::unique_ptr<poppler::document> pdf(
        poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
    if (!pdf) {
      return Fail(ErrorCode::kInvalidArgument,
                  "broken: it cannot be read as PDF; save or print it to PDF again");
    }
    if (pdf->is_locked()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "encrypted: remove the password first (for example: qpdf --decrypt)");
    }
    return ReadPages(*pdf);
  } catch (const std::bad_alloc&) {
    throw;  // the process's limit: told by whoever set it
  } catch (const std::exception&) {
    return Fail(ErrorCode::kInvalidArgument, "broken: it cannot be read as PDF");
  }
}

}  // namespace casemate::retrieval
