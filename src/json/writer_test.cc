#include "json/writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "json/reader.h"

namespace casemate::json {
namespace {

template <typename Write>
std::string Written(Write write) {
  Writer writer;
  write(writer);
  const Plaintext text = writer.Take();
  return std::string(text.view().Reveal());
}

TEST(WriterTest, PutsCommasWhereTheyBelong) {
  EXPECT_EQ(Written([](Writer& w) {
              w.BeginObject().Key("a").BeginArray().Integer(1).Null().BeginObject().EndObject();
              w.EndArray().Key("b").Bool(true).Key("c").BeginArray().EndArray().EndObject();
            }),
            R"({"a":[1,null,{}],"b":true,"c":[]})");
}

TEST(WriterTest, EscapesWhatRfc8259Asks) {
  EXPECT_EQ(Written([](Writer& w) {
              w.Content(PlaintextView::Of(std::string_view("\"\\/\b\f\n\r\t\x01\x1f\0\x7f", 12)));
            }),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000\x7f\"");
  EXPECT_EQ(Written([](Writer& w) { w.BeginObject().Key("a\"b").String("c\n").EndObject(); }),
            "{\"a\\\"b\":\"c\\n\"}");
}

TEST(WriterTest, ReplacesInvalidUtf8) {
  // The Unicode Standard 15, table 3-8 and section 3.9: one U+FFFD for each maximal subpart.
  const std::string r = "\xef\xbf\xbd";
  struct Case {
    std::string text;
    std::string expected;
  };
  for (const Case& c : {Case{"a\xf1\x80\x80\xe1\x80\xc2"
                             "b\x80"
                             "c\x80\xbf"
                             "d",
                             "a" + r + r + r + "b" + r + "c" + r + r + "d"},
                        Case{"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
                             "A",
                             r + r + r + r + r + r + r + r + "A"},
                        Case{"\xed\xa0\x80", r + r + r}, Case{"\xe2\x82", r},
                        Case{"\xf4\x91\x92\x93", r + r + r + r},
                        Case{"\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80"}}) {
    EXPECT_EQ(Written([&](Writer& w) { w.Content(PlaintextView::Of(std::string_view(c.text))); }),
              "\"" + c.expected + "\"");
  }
}

TEST(WriterTest, WritesNumbersShortest) {
  EXPECT_EQ(Written([](Writer& w) {
              w.BeginArray().Number(0.1).Number(1.0 / 3).Number(1e22).Number(-0.0).Number(100);
              w.Integer(INT64_MIN).Number(std::numeric_limits<double>::quiet_NaN());
              w.Number(std::numeric_limits<double>::infinity()).EndArray();
            }),
            "[0.1,0.3333333333333333,1e+22,-0.0,100,-9223372036854775808,null,null]");
}

TEST(WriterTest, RawGoesInAsItIs) {
  EXPECT_EQ(Written([](Writer& w) {
              w.BeginArray().Raw(PlaintextView::Of(std::string_view("{\"a\":1}"))).Integer(2);
              w.EndArray();
            }),
            R"([{"a":1},2])");
}

TEST(WriterTest, WhatItWritesReadsBack) {
  std::string every_byte;
  for (int i = 0; i < 128; ++i) {
    every_byte.push_back(static_cast<char>(i));
  }
  const std::string text =
      Written([&](Writer& w) { w.BeginArray().String(every_byte).EndArray(); });
  const Result<Document> document = Document::Parse(PlaintextView::Of(std::string_view(text)));
  ASSERT_TRUE(document.has_value()) << document.error().message;
  EXPECT_EQ(document->root().Elements()[0].AsString().value().Reveal(), every_byte);
}

TEST(WriterDeathTest, StopsAtNestingMistakes) {
  EXPECT_DEATH(Written([](Writer& w) { w.BeginObject(); }), "");
  EXPECT_DEATH(Written([](Writer& w) { w.EndArray(); }), "");
  EXPECT_DEATH(Written([](Writer& w) { w.Integer(1).Integer(2); }), "");
  EXPECT_DEATH(Written([](Writer& w) { w.BeginObject().Key("a").EndObject(); }), "");
}

}  // namespace
}  // namespace casemate::json
