#include "retrieval/parsing/mime.h"

#include <gtest/gtest.h>

#include <string>

#include "retrieval/parsing/charset.h"

namespace casemate::retrieval {
namespace {

std::string S(PlaintextView text) { return std::string(text.Reveal()); }
using namespace std::string_view_literals;

// The examples of RFC 2047, section 8, and what they are displayed as.
TEST(MimeTest, EncodedWordsAreDecoded) {
  EXPECT_EQ(S(DecodeFieldText("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>")),
            "Keith Moore <moore@cs.utk.edu>");
  EXPECT_EQ(S(DecodeFieldText("=?ISO-8859-1?Q?Andr=E9?= Pirard")), "Andr\u00E9 Pirard");
  EXPECT_EQ(S(DecodeFieldText("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n "
                              "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=")),
            "If you can read this you understand the example.");
  EXPECT_EQ(S(DecodeFieldText("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=")), "ab");
  EXPECT_EQ(S(DecodeFieldText("=?ISO-8859-1?Q?a?= b")), "a b");
  EXPECT_EQ(S(DecodeFieldText("=?ISO-8859-1?Q?a_b?=")), "a b");
}

TEST(MimeTest, BrokenEncodedWordsStayAsTheyAre) {
  for (const std::string_view text : {"=?x", "=?utf-8?Q?open", "=?utf-8?Z?x?=", "=?=?=", "a=?b"}) {
    EXPECT_EQ(S(DecodeFieldText(text)), text);
  }
}

TEST(MimeTest, FoldsAreUnfolded) {
  EXPECT_EQ(S(DecodeFieldText(" one\r\n two\r\n\tthree")), "one two\tthree");
}

// RFC 2045, section 6.7.
TEST(MimeTest, QuotedPrintableIsDecoded) {
  EXPECT_EQ(S(DecodeQuotedPrintable("Now's the time =\r\nfor all folk=20\r\nto come=3D")),
            "Now's the time for all folk \r\nto come=");
  EXPECT_EQ(S(DecodeQuotedPrintable("a=  \nb")), "ab");
  EXPECT_EQ(S(DecodeQuotedPrintable("50=zz=")), "50=zz");
}

// RFC 4648, section 10.
TEST(MimeTest, Base64IsDecoded) {
  EXPECT_EQ(S(DecodeBase64("Zm9vYmFy")), "foobar");
  EXPECT_EQ(S(DecodeBase64("Zm9v\r\nYmE=")), "fooba");
  EXPECT_EQ(S(DecodeBase64("Zg==ignored")), "f");
  EXPECT_EQ(S(DecodeBase64("")), "");
}

TEST(MimeTest, ParametersAreRead) {
  const MailValue value =
      ParseMailValue(" Text/HTML; charset=\"utf-8\";\r\n Name=\"a \\\"b\\\" ; c.txt\"; x");
  EXPECT_EQ(value.value, "text/html");
  EXPECT_EQ(S(value.Get("charset")), "utf-8");
  EXPECT_EQ(S(value.Get("name")), "a \"b\" ; c.txt");
  EXPECT_EQ(S(value.Get("nothing")), "");
}

// The examples of RFC 2231, sections 3 and 4.
TEST(MimeTest, ExtendedParametersAreJoinedAndDecoded) {
  EXPECT_EQ(S(ParseMailValue("message/external-body; URL*0=\"ftp://\";\n URL*1=\"cs.utk.edu/x\"")
                  .Get("url")),
            "ftp://cs.utk.edu/x");
  EXPECT_EQ(
      S(ParseMailValue("application/x-stuff; title*=us-ascii'en-us'This%20is%20fun").Get("title")),
      "This is fun");
  EXPECT_EQ(S(ParseMailValue("attachment; filename*=iso-8859-1''na%EFf.txt").Get("filename")),
            "na\u00EFf.txt");
}

TEST(MimeTest, MultipartsAreSplitAtTheirBoundary) {
  const auto parts = SplitMultipart(
      "preamble\r\n--x\r\nA: b\r\n\r\none\r\n--xy\r\n--x  \r\n\r\ntwo\r\n--x--\r\nepilogue", "x",
      10);
  ASSERT_TRUE(parts.has_value());
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0], "A: b\r\n\r\none\r\n--xy\r"sv);
  EXPECT_EQ((*parts)[1], "\r\ntwo\r"sv);
  EXPECT_EQ(SplitMultipart("--x\nopen", "x", 10)->size(), 1U);
  EXPECT_EQ(SplitMultipart("--x\nopen", "", 10)->size(), 0U);
}

TEST(MimeTest, TooManyPartsAreRefused) {
  std::string body;
  for (int i = 0; i < 20; ++i) {
    body += "--x\n\na\n";
  }
  const auto parts = SplitMultipart(body, "x", 10);
  ASSERT_FALSE(parts.has_value());
  EXPECT_EQ(parts.error().code, ErrorCode::kTooLarge);
}

TEST(MimeTest, AnEndlessHeaderIsRefused) {
  EXPECT_FALSE(SplitPart(std::string(kMaxHeaderBytes, 'x') + ":\nA: b\n\n").has_value());
  std::string many;
  for (std::size_t i = 0; i <= kMaxFields; ++i) {
    many += "A: b\n";
  }
  EXPECT_FALSE(SplitPart(many).has_value());
}

// Bytes as Python's codecs make them of "Grüße €" and "при".
TEST(MimeTest, CharsetsBecomeUtf8) {
  const auto utf8 = [](std::string_view bytes, std::string_view charset) {
    return S(ToUtf8(PlaintextView::Of(bytes), charset));
  };
  EXPECT_EQ(utf8("Gr\xFC\xDF\x65 \x80", "Windows-1252"), "Gr\u00FC\u00DFe \u20AC");
  EXPECT_EQ(utf8("Gr\xFC\xDF\x65 \xA4", "iso-8859-15"), "Gr\u00FC\u00DFe \u20AC");
  EXPECT_EQ(utf8("\xD0\xD2\xC9", "KOI8-R"), "\u043F\u0440\u0438");
  EXPECT_EQ(utf8("G\0r\0\xFC\0"sv, "utf-16le"), "Gr\u00FC");
  EXPECT_EQ(utf8("\x93\xFA\x96\x7B", "shift_jis"), "\u65E5\u672C");
  EXPECT_EQ(utf8("Gr\xFC\xDF\x65", "no-such-charset"), "Gr\u00FC\u00DFe");
  EXPECT_EQ(utf8("Gr\xC3\xBC", ""), "Gr\u00FC");
  EXPECT_EQ(utf8("a\xFFz", "utf-8"), "a\uFFFDz");
}

}  // namespace
}  // namespace casemate::retrieval
