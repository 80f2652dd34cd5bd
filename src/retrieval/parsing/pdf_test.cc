#include "retrieval/parsing/pdf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/parsing/parsing_read.h"
#include "retrieval/parsing/pdf_layout.h"

// Documents of other producers (groff, qpdf) are read in tests/end_to_end/documents_test.py.
// fontconfig, which poppler asks for fonts that a document does not bring, frees nothing at the
// end.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }

namespace casemate::retrieval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A PDF of one page (ISO 32000-1, section 7.5) whose content is `stream`.
// `more` further pages are empty.
std::string MakePdf(const std::string& stream, int more = 0) {
  std::string kids = "3 0 R";
  for (int i = 0; i < more; ++i) {
    kids += " " + std::to_string(6 + i) + " 0 R";
  }
  std::vector<std::string> objects = {
      "<</Type/Catalog/Pages 2 0 R>>",
      "<</Type/Pages/Kids[" + kids + "]/Count " + std::to_string(1 + more) + ">>",
      "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<<"
      "/F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
      "/B<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>>>>>>>",
      "<</Length " + std::to_string(stream.size()) + ">>stream\n" + stream + "\nendstream",
      "<</Title(The guide)>>"};
  objects.resize(objects.size() + static_cast<std::size_t>(more),
                 "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]>>");
  const std::string size = std::to_string(objects.size() + 1);
  std::string out = "%PDF-1.4\n";
  std::string table = "xref\n0 " + size + "\n0000000000 65535 f \n";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    std::string offset = std::to_string(out.size());
    table += std::string(10 - offset.size(), '0') + offset + " 00000 n \n";
    out += std::to_string(i + 1) + " 0 obj" + objects[i] + "endobj\n";
  }
  return out + table + "trailer<</Size " + size + "/Root 1 0 R/Info 5 0 R>>\nstartxref\n" +
         std::to_string(out.size()) + "\n%%EOF\n";
}

std::string Line(int y, const std::string& text, const std::string& font = "/F 10") {
  return "BT " + font + " Tf 50 " + std::to_string(y) + " Td (" + text + ") Tj ET\n";
}

TEST(PdfTest, TextIsReadWithPageTitleAndHeadings) {
  const Result<ParsedDocument> parsed = Parse(
      "pdf",
      PlaintextView::Of(MakePdf(Line(700, "Guide", "/F 20") + Line(660, "1. Backups", "/B 10") +
                                Line(648, "Backups are made every night. They are kept for thir-") +
                                Line(636, "ty days."))));
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->title.view().Reveal(), "The guide");
  std::vector<std::string> shown;
  for (const Block& block : parsed->blocks) {
    shown.push_back(Show(block, parsed->text.view().Reveal()));
    EXPECT_EQ(block.page, 1U);
  }
  EXPECT_THAT(shown, ElementsAre("h1:Guide", "h2:1. Backups",
                                 "p:Backups are made every night. They are kept for thirty days."));
}

TEST(PdfTest, APageWithoutTextIsCalledScanned) {
  EXPECT_THAT(Read("pdf", MakePdf("0 0 10 10 re f")).error.message,
              HasSubstr("no text in 1 page: scanned? Casemate does not do OCR yet"));
}

TEST(PdfTest, BrokenOnesSaySo) {
  for (const std::string& bytes : {std::string("%PDF-1.7\n"), MakePdf("").substr(0, 40)}) {
    EXPECT_THAT(Read("pdf", bytes).error.message, HasSubstr("broken"));
  }
}

TEST(PdfTest, TooManyPagesAreRefusedBeforeTheyAreRead) {
  const Parsed parsed = Read("pdf", MakePdf(Line(700, "x"), kMaxPdfPages));
  EXPECT_EQ(parsed.error.code, ErrorCode::kTooLarge);
  EXPECT_THAT(parsed.error.message, HasSubstr("a PDF of 5001 pages, at most 5000"));
}

TEST(PdfTest, AFalseCountOfPagesIsNotBelieved) {
  std::string pdf = MakePdf(Line(700, "x"));
  pdf.replace(pdf.find("/Count 1"), 8, "/Count 9");
  EXPECT_LE(Read("pdf", pdf).blocks.size(), 1U);
}

PdfLine At(std::uint32_t page, double y, std::string_view text, double size = 10, bool bold = false,
           double x = 50) {
  return {.text = Plaintext::Copy(text), .x = x, .y = y, .size = size, .bold = bold, .page = page};
}

std::vector<std::string> LayOut(std::vector<PdfLine> lines) {
  const Result<ParsedDocument> parsed = LayOutPdf(std::move(lines), {});
  std::vector<std::string> shown;
  for (const Block& block : parsed->blocks) {
    shown.push_back(std::to_string(block.page) + Show(block, parsed->text.view().Reveal()));
  }
  return shown;
}

TEST(PdfLayoutTest, ParagraphsArePartedByDistanceAndIndentation) {
  std::vector<PdfLine> lines;
  lines.push_back(At(1, 100, "One goes"));
  lines.push_back(At(1, 112, "on."));
  lines.push_back(At(1, 130, "Two goes"));
  lines.push_back(At(1, 142, "on too."));
  lines.push_back(At(1, 154, "Three.", 10, false, 65));
  EXPECT_THAT(LayOut(std::move(lines)),
              ElementsAre("1p:One goes on.", "1p:Two goes on too.", "1p:Three."));
}

TEST(PdfLayoutTest, RunningHeadsAndPageNumbersAreTakenOut) {
  std::vector<PdfLine> lines;
  for (std::uint32_t page = 1; page <= 4; ++page) {
    lines.push_back(At(page, 20, "Handbook, chapter 3"));
    lines.push_back(At(page, 100, "Text " + std::string(page, 'x') + "."));
    lines.push_back(At(page, 780, "- " + std::to_string(page) + " -"));
  }
  EXPECT_THAT(LayOut(std::move(lines)),
              ElementsAre("1p:Text x.", "2p:Text xx.", "3p:Text xxx.", "4p:Text xxxx."));
}

TEST(PdfLayoutTest, SizesOfHeadingsAreTheirLevels) {
  std::vector<PdfLine> lines;
  lines.push_back(At(1, 100, "Book", 24));
  lines.push_back(At(1, 140, "Part", 16));
  lines.push_back(At(1, 160, "2.1 Bold", 10, true));
  lines.push_back(At(1, 172, "Words that stand for the text of the part."));
  lines.push_back(At(1, 200, "\u2022 item"));
  EXPECT_THAT(LayOut(std::move(lines)),
              ElementsAre("1h1:Book", "1h2:Part", "1h4:2.1 Bold",
                          "1p:Words that stand for the text of the part.", "1i:\u2022 item"));
}

TEST(PdfLayoutTest, ABoldTextHasNoBoldHeadings) {
  std::vector<PdfLine> lines;
  lines.push_back(At(1, 100, "All of this", 10, true));
  lines.push_back(At(1, 112, "is bold.", 10, true));
  EXPECT_THAT(LayOut(std::move(lines)), ElementsAre("1p:All of this is bold."));
}

}  // namespace
}  // namespace casemate::retrieval
