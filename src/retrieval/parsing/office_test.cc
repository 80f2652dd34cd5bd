#include "retrieval/parsing/office.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/parsing/parsing_read.h"
#include "retrieval/parsing/xml.h"
#include "retrieval/parsing/zip.h"
#include "retrieval/parsing/zip_writer.h"

// Documents of other producers (pandoc) are read in tests/end_to_end/documents_test.py.
namespace casemate::retrieval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kW = " xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";

std::string Paragraph(const std::string& text, const std::string& properties = "") {
  return "<w:p><w:pPr>" + properties + "</w:pPr><w:r><w:t>" + text + "</w:t></w:r></w:p>";
}
Parsed Docx(const std::string& body, const std::string& more_name = "x", std::string more = "") {
  const std::string styles =
      "<w:styles" + kW +
      "><w:style w:styleId=\"berschrift1\"><w:name w:val=\"heading 1\"/></w:style>"
      "<w:style w:styleId=\"Own\"><w:name w:val=\"Own\"/><w:basedOn "
      "w:val=\"berschrift1\"/></w:style>"
      "<w:style w:styleId=\"T\"><w:name w:val=\"Title\"/></w:style></w:styles>";
  return Read("archive",
              MakeZip({{"word/styles.xml", styles},
                       {more_name, std::move(more)},
                       {"word/document.xml", "<?xml version=\"1.0\"?><w:document" + kW +
                                                 "><w:body>" + body + "</w:body></w:document>"}}));
}

TEST(DocxTest, HeadingsAreFoundByTheNameOfTheirStyle) {
  EXPECT_THAT(Docx(Paragraph("Guide", "<w:pStyle w:val=\"T\"/>") +
                   Paragraph("Backups", "<w:pStyle w:val=\"berschrift1\"/>") +
                   Paragraph("Every night.") + Paragraph("Own", "<w:pStyle w:val=\"Own\"/>") +
                   Paragraph("Deep", "<w:outlineLvl w:val=\"2\"/>"))
                  .blocks,
              ElementsAre("h1:Guide", "h1:Backups", "p:Every night.", "h1:Own", "h3:Deep"));
}

TEST(DocxTest, ListsAndTablesAreRead) {
  EXPECT_THAT(
      Docx(Paragraph("One", "<w:numPr/>") + "<w:tbl><w:tr><w:tc>" + Paragraph("Name") +
           "</w:tc><w:tc>" + Paragraph("Age") + Paragraph("years") + "</w:tc></w:tr><w:tr><w:tc>" +
           Paragraph("Ada") + "</w:tc><w:tc><w:tbl><w:tr><w:tc>" + Paragraph("36") +
           "</w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>" + Paragraph("End"))
          .blocks,
      ElementsAre("i:One", "t:Name | Age years\nAda | 36", "p:End"));
}

TEST(DocxTest, NotesFollowTheirParagraph) {
  EXPECT_THAT(
      Docx("<w:p><w:r><w:t>Moats</w:t></w:r><w:r><w:footnoteReference w:id=\"2\"/></w:r></w:p>" +
               Paragraph("Next"),
           "word/footnotes.xml",
           "<w:footnotes" + kW + "><w:footnote w:id=\"2\">" + Paragraph("Filled with water.") +
               "</w:footnote></w:footnotes>")
          .blocks,
      ElementsAre("p:Moats", "p:Filled with water.", "p:Next"));
}

TEST(DocxTest, DeletedTextAndFallbacksAreLeftOut) {
  EXPECT_THAT(Docx("<w:p><w:r><w:t>Kept</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r>"
                   "</w:del><w:r><w:instrText>PAGE</w:instrText><w:tab/></w:r><w:r>"
                   "<w:Choice><w:t>once</w:t></w:Choice><w:Fallback><w:t>twice</w:t></w:Fallback>"
                   "</w:r></w:p>")
                  .blocks,
              ElementsAre("p:Kept once"));
}

TEST(DocxTest, DocumentTypesAreRefusedWithTheirEntities) {
  const std::string laughs =
      "<!DOCTYPE w:document [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
  const Parsed parsed = Read(
      "archive", MakeZip({{"word/document.xml", "<?xml version=\"1.0\"?>" + laughs + "<w:document" +
                                                    kW + ">&b;</w:document>"}}));
  EXPECT_EQ(parsed.error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(parsed.error.message, HasSubstr("document type"));
}

TEST(DocxTest, DeepXmlIsRefused) {
  std::string deep;
  for (int i = 0; i < 1000; ++i) {
    deep += "<a>";
  }
  EXPECT_THAT(Docx(deep).error.message, HasSubstr("deeper than 256"));
}

TEST(DocxTest, BrokenXmlSaysWhere) {
  EXPECT_THAT(Docx("<w:p>\n</w:q>").error.message, HasSubstr("not well-formed in line 2"));
}

const std::string kOdf =
    " xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\""
    " xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\""
    " xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\"";

Parsed Odt(const std::string& body, const std::string& manifest = "<manifest/>") {
  return Read("archive",
              MakeZip({{"mimetype", "application/vnd.oasis.opendocument.text"},
                       {"META-INF/manifest.xml", manifest},
                       {"meta.xml",
                        "<m xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>Guide"
                        "</dc:title></m>"},
                       {"content.xml", "<office:document-content" + kOdf + "><office:body>" + body +
                                           "</office:body></office:document-content>"}}));
}

TEST(OdtTest, HeadingsListsTablesAndNotesAreRead) {
  const Parsed parsed =
      Odt("<office:text><text:h text:outline-level=\"2\">Backups</text:h>"
          "<text:p>Every<text:s/>night<text:note><text:note-citation>1</text:note-citation>"
          "<text:note-body><text:p>At two.</text:p></text:note-body></text:note>.</text:p>"
          "<text:list><text:list-item><text:p>Tape</text:p></text:list-item></text:list>"
          "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
          "<table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>"
          "<text:table-of-content><text:p>left out</text:p></text:table-of-content></office:text>");
  EXPECT_EQ(parsed.title, "Guide");
  EXPECT_THAT(parsed.blocks,
              ElementsAre("h2:Backups", "p:Every night.", "p:At two.", "i:Tape", "t:a | b"));
}

TEST(OdtTest, EncryptedOnesSaySo) {
  EXPECT_THAT(
      Odt("", "<manifest><file-entry><encryption-data/></file-entry></manifest>").error.message,
      HasSubstr("encrypted: remove the password first"));
}

TEST(OdtTest, OtherOpenDocumentsAreNamed) {
  EXPECT_THAT(Odt("<office:spreadsheet/>").error.message, HasSubstr("that is no text"));
}

Parsed Epub(const std::string& encryption = "<e/>") {
  return Read(
      "archive",
      MakeZip(
          {{"mimetype", "application/epub+zip"},
           {"META-INF/container.xml",
            "<container><rootfiles><rootfile full-path=\"OEBPS/a.opf\"/></rootfiles></container>"},
           {"META-INF/encryption.xml", encryption},
           {"OEBPS/a.opf",
            "<package><metadata><title>Keeps</title></metadata><manifest>"
            "<item id=\"n\" href=\"n.xhtml\" properties=\"nav\" "
            "media-type=\"application/xhtml+xml\"/>"
            "<item id=\"b\" href=\"text/b%20b.xhtml\" media-type=\"application/xhtml+xml\"/>"
            "<item id=\"a\" href=\"text/../a.xhtml#x\" media-type=\"application/xhtml+xml\"/>"
            "</manifest><spine><itemref idref=\"n\"/><itemref idref=\"a\"/><itemref idref=\"b\"/>"
            "<itemref idref=\"none\"/></spine></package>"},
           {"OEBPS/a.xhtml",
            "<html><head><title/></head><body><h1>A</h1><p>One.</p></body></html>"},
           {"OEBPS/n.xhtml", "<html><body>contents</body></html>"},
           {"OEBPS/text/b b.xhtml", "<html><body><h1>B</h1><p>Two.</p></body></html>"}}));
}

TEST(EpubTest, ChaptersAreReadInTheOrderOfTheSpine) {
  const Parsed parsed = Epub();
  EXPECT_EQ(parsed.title, "Keeps");
  EXPECT_THAT(parsed.blocks, ElementsAre("h1:A", "p:One.", "h1:B", "p:Two."));
}

TEST(EpubTest, CopyProtectionSaysSo) {
  EXPECT_THAT(Epub("<e><CipherReference URI=\"OEBPS/a.xhtml\"/></e>").error.message,
              HasSubstr("encrypted (DRM)"));
  EXPECT_EQ(Epub("<e><CipherReference URI=\"OEBPS/font.otf\"/></e>").title, "Keeps");
}

TEST(OfficeTest, OtherContainersAreNamedWithARemedy) {
  EXPECT_THAT(Read("archive", MakeZip({{"xl/workbook.xml", ""}})).error.message,
              HasSubstr("save it as CSV"));
  EXPECT_THAT(Read("archive", MakeZip({{"ppt/presentation.xml", ""}})).error.message,
              HasSubstr("save them as PDF"));
  EXPECT_THAT(Read("archive", MakeZip({{"notes.txt", "x"}})).error.message,
              HasSubstr("unpack it first"));
}

TEST(OfficeTest, EncryptedEntriesSaySo) {
  EXPECT_THAT(Read("archive", MakeZip({{"word/document.xml", "x"}}, 1)).error.message,
              HasSubstr("encrypted: remove the password first"));
}

TEST(OfficeTest, BrokenContainersSaySo) {
  const std::string zip = MakeZip({{"word/document.xml", std::string(1000, 'x')}});
  for (const std::string& bytes :
       {zip.substr(0, 500), std::string("PK\3\4"), std::string("PK\5\6")}) {
    EXPECT_NE(Read("archive", bytes).error.message, "") << bytes.size();
  }
  std::string changed = zip;
  changed[200] ^= 1;
  EXPECT_THAT(Read("archive", changed).error.message, HasSubstr("broken"));
}

TEST(OfficeTest, TooManyEntriesAreRefused) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (std::size_t i = 0; i <= kMaxZipEntries; ++i) {
    entries.emplace_back(std::to_string(i), "");
  }
  EXPECT_EQ(Read("archive", MakeZip(entries)).error.code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace casemate::retrieval
