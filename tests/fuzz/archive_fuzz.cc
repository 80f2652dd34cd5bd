// Any bytes in the place of a part of a DOCX, ODT or EPUB, or of the whole container, give blocks
// that lie within a valid UTF-8 text, in order, or a refusal. The first byte tells the place.
#include <string>

#include "parsed_document_check.h"
#include "retrieval/parsing/zip_writer.h"

namespace {

using casemate::retrieval::MakeZip;

const std::string kOpf =
    "<package><manifest><item id=\"a\" href=\"a.x\" media-type=\"text/html\"/></manifest><spine>"
    "<itemref idref=\"a\"/></spine></package>";
const std::string kContainer = "<c><rootfile full-path=\"a.opf\"/></c>";

std::string Wrap(char place, const std::string& bytes) {
  switch (place) {
    case 'd':
      return MakeZip({{"word/document.xml", bytes}});
    case 's':
      return MakeZip({{"word/document.xml", "<a/>"}, {"word/styles.xml", bytes}});
    case 'n':
      return MakeZip({{"word/document.xml", "<a/>"}, {"word/footnotes.xml", bytes}});
    case 'o':
      return MakeZip({{"content.xml", bytes}});
    case 'm':
      return MakeZip({{"content.xml", "<a/>"}, {"META-INF/manifest.xml", bytes}});
    case 'c':
      return MakeZip({{"META-INF/container.xml", bytes}, {"a.opf", kOpf}});
    case 'p':
      return MakeZip({{"META-INF/container.xml", kContainer}, {"a.opf", bytes}, {"a.x", "<p>x"}});
    case 'x':
      return MakeZip({{"META-INF/container.xml", kContainer}, {"a.opf", kOpf}, {"a.x", bytes}});
    default:
      return bytes;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string archive = Wrap(static_cast<char>(data[0]),
                                   std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  casemate::retrieval::CheckParse("archive", reinterpret_cast<const std::uint8_t*>(archive.data()),
                                  archive.size());
  return 0;
}
