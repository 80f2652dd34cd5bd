#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "retrieval/parsing/parsing_read.h"

namespace casemate::retrieval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(ParseTest, UnknownFormatsAndEmptyFilesAreRefused) {
  EXPECT_THAT(Read("odd", "x").error.message, HasSubstr("text, markdown, html"));
  EXPECT_EQ(Read("text", "").error.message, "empty file");
  EXPECT_EQ(Read("text", "\xEF\xBB\xBF").error.message, "empty file");
  EXPECT_EQ(Read("text", " \n\n\t").error.message, "the document holds no text");
}

TEST(ParseTest, BinaryFilesAreRefused) {
  using namespace std::string_view_literals;
  EXPECT_EQ(Read("text", "ELF\0\1\2"sv).error.message, "binary file");
  EXPECT_EQ(Read("html", "<p>\0</p>"sv).error.message, "binary file");
  EXPECT_EQ(Read("text", "\x01\x02\x03 abcde").error.message, "binary file");
  EXPECT_EQ(Read("text", "\x01 abcdefghij").blocks.size(), 1U);
}

TEST(ParseTest, EncodingsBecomeUtf8) {
  using namespace std::string_view_literals;
  EXPECT_EQ(Read("text",
                 "\xEF\xBB\xBF"
                 "a\xC3\xA9")
                .text,
            "aé");
  EXPECT_EQ(Read("text",
                 "\xFF\xFE"
                 "a\0\xE9\0\x3D\xD8\x00\xDE"sv)
                .text,
            "aé😀");
  EXPECT_EQ(Read("text", "\xFE\xFF\0a\0\xE9"sv).text, "aé");
  EXPECT_EQ(Read("text", "caf\xE9 \x93q\x94").text, "café “q”");
  EXPECT_THAT(Read("text", "\xFF\xFE\0\0a\0\0\0"sv).error.message, HasSubstr("UTF-32"));
}

TEST(ParseTest, TextIsPartedByBlankLines) {
  const Parsed parsed = Read("text", "one\r\n  two\r\n \r\nthree\f\fend");
  EXPECT_THAT(parsed.blocks, ElementsAre("p:one two", "p:three", "p:end"));
  EXPECT_EQ(parsed.text, "one two\n\nthree\n\nend");
}

TEST(MarkdownTest, BlocksOfEveryKind) {
  const Parsed parsed = Read("markdown",
                             "---\nauthor: x\n---\n# Title #\n\nA *short* paragraph\nof two "
                             "lines.\n\nSetext\n------\n- one\n  more\n- [two](http://x)\n\n1. "
                             "first\n\n```c\nint x;\n\n  y\n```\n\n    indented\n      code\n\n> "
                             "quoted\n\n| a | b |\n|---|---|\n| `1` | 2 |\n\n***\n\n[ref]: "
                             "http://x\n<!-- gone\nstill -->\nend");
  EXPECT_EQ(parsed.title, "Title");
  EXPECT_THAT(parsed.blocks,
              ElementsAre("h1:Title", "p:A short paragraph of two lines.", "h2:Setext",
                          "i:one more", "i:two", "i:first", "c:int x;\n\n  y", "p:indented code",
                          "p:quoted", "t:a | b\n1 | 2", "p:end"));
}

TEST(MarkdownTest, IndentedCodeOutsideLists) {
  const Parsed parsed = Read("markdown", "text\n\n    code one\n\n      two\n\nafter");
  EXPECT_THAT(parsed.blocks, ElementsAre("p:text", "c:code one\n\n  two", "p:after"));
}

TEST(MarkdownTest, InlineMarkupGoesAndTextStays) {
  const auto strip = [](std::string_view text) { return Read("markdown", text).text; };
  EXPECT_EQ(strip("a [link](http://x \"t\") and ![alt](p.png)"), "a link and alt");
  EXPECT_EQ(strip("[a [nested] label][r] [not a link]"), "a [nested] label [not a link]");
  EXPECT_EQ(strip("**bold** _it_ ~~old~~ snake_case 2 * 3 \\*kept\\*"),
            "bold it old snake_case 2 * 3 *kept*");
  EXPECT_EQ(strip("`code *kept*` ``a ` b``"), "code *kept* a ` b");
  EXPECT_EQ(strip("<https://x.org> <b>b</b> a < b &amp; c &lt;"), "https://x.org b a < b & c <");
}

TEST(MarkdownTest, EvilInputsEndSoon) {
  for (const std::string_view unit :
       {"[", "![", "](", "`", "*", "<", "> ", "- ", "#", "|-", "&", "_a_"}) {
    std::string text;
    for (int i = 0; i < 20'000; ++i) {
      text += unit;
    }
    (void)Read("markdown", "x" + text);
    (void)Read("markdown", text + "\n" + text);
  }
}

TEST(HtmlTest, BlocksOfEveryKind) {
  const Parsed parsed =
      Read("html",
           "<!DOCTYPE html><html><head><title> The\n title </title><style>p{}</style></head><body>"
           "<nav>menu</nav><h1>Top<a class=\"headerlink\" href=\"#t\">\xC2\xB6</a></h1>"
           "<p>One <b>bold</b>\n word<br>next</p>loose text<ul><li>a<ul><li>b</li></ul></li>"
           "<li><p>c</p></li></ul><pre>x\n  y\n</pre><table><tr><th>h</th><th>i</th></tr>"
           "<tr><td>1</td><td><p>2</p></td></tr></table><dl><dt>term</dt><dd>meaning</dd></dl>"
           "<script>var x;</script><footer>foot</footer></body></html>");
  EXPECT_EQ(parsed.title, "The title");
  EXPECT_THAT(parsed.blocks,
              ElementsAre("h1:Top", "p:One bold word next", "p:loose text", "i:a", "i:b", "i:c",
                          "c:x\n  y", "t:h | i\n1 | 2", "d:term", "p:meaning"));
}

// As Sphinx writes a function's description.
TEST(HtmlTest, SphinxPagesGiveTheirBody) {
  const Parsed parsed = Read(
      "html",
      "<body><div class=\"related\" role=\"navigation\">nav</div><div class=\"body\" role=\"main\">"
      "<section id=\"json\"><h1><code>json</code> — coder<a class=\"headerlink\">¶</a></h1>"
      "<dl class=\"py function\"><dt class=\"sig\" id=\"json.dump\"><span>json.</span>"
      "<span>dump</span>(<em>obj</em>, <em>fp</em>)<a class=\"headerlink\">¶</a></dt>"
      "<dd><p>Serialize <em>obj</em>.</p><div class=\"highlight\"><pre><span></span>&gt;&gt;&gt; "
      "dump(x)</pre></div></dd></dl></section></div><div "
      "class=\"sphinxsidebar\">side</div></body>");
  EXPECT_EQ(parsed.title, "json — coder");
  EXPECT_THAT(parsed.blocks, ElementsAre("h1:json — coder", "d:json.dump(obj, fp)",
                                         "p:Serialize obj.", "c:>>> dump(x)"));
}

TEST(HtmlTest, BrokenMarkupIsReadAsBrowsersDo) {
  EXPECT_THAT(Read("html", "<p>a<p>b</i></div><div>c").blocks, ElementsAre("p:a", "p:b", "p:c"));
  EXPECT_THAT(Read("html", "just text").blocks, ElementsAre("p:just text"));
  EXPECT_THAT(Read("html", "<table><tr><td>x</table>after").blocks, ElementsAre("t:x", "p:after"));
}

TEST(HtmlTest, DeepNestingIsRefusedNotFollowed) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) {
    deep += "<div>";
  }
  EXPECT_EQ(Read("html", deep + "x").error.code, ErrorCode::kTooLarge);
  std::string allowed;
  for (int i = 0; i < 2000; ++i) {
    allowed += "<div><span>";
  }
  EXPECT_EQ(Read("html", allowed.substr(0, 11 * 2000) + "x").blocks.size(), 1U);
}

TEST(HtmlTest, APageWithoutTextIsRefused) {
  EXPECT_EQ(Read("html", "<body><script>x</script></body>").error.message,
            "the document holds no text");
  EXPECT_THAT(Read("html", "<frameset></frameset>").error.message, HasSubstr("no text"));
}

}  // namespace
}  // namespace casemate::retrieval
