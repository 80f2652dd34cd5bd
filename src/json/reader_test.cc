#include "json/reader.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace casemate::json {
namespace {

Result<Document> Parse(std::string_view text, const Limits& limits = {}) {
  return Document::Parse(PlaintextView::Of(text), limits);
}

Document Parsed(std::string_view text) {
  Result<Document> document = Parse(text);
  EXPECT_TRUE(document.has_value()) << document.error().message;
  return std::move(*document);
}

Error ErrorOf(std::string_view text, const Limits& limits = {}) {
  Result<Document> document = Parse(text, limits);
  EXPECT_FALSE(document.has_value()) << text;
  return document ? Error{} : document.error();
}

TEST(DocumentTest, ReadsEveryKindOfValue) {
  const Document document =
      Parsed(R"({"a":null,"b":true,"c":-7,"d":1.5,"e":"x\u00e9\n","f":[1,2],"g":{}})");
  const Value root = document.root();
  EXPECT_EQ(root.kind(), Value::Kind::kObject);
  EXPECT_EQ(root.size(), 7U);
  EXPECT_TRUE(root.Get("a")->is_null());
  EXPECT_TRUE(root.Get("b")->AsBool().value());
  EXPECT_EQ(root.Get("c")->AsInteger().value(), -7);
  EXPECT_EQ(root.Get("c")->AsNumber().value(), -7.0);
  EXPECT_EQ(root.Get("d")->AsNumber().value(), 1.5);
  EXPECT_EQ(root.Get("e")->AsString().value().Reveal(), "x\xc3\xa9\n");
  EXPECT_EQ(root.Get("f")->size(), 2U);
  EXPECT_EQ(root.Get("g")->kind(), Value::Kind::kObject);
  EXPECT_EQ(root.Get("e")->size(), 0U);
}

TEST(DocumentTest, StringsMayHoldZeroBytes) {
  const Document document = Parsed(R"("a\u0000b")");
  EXPECT_EQ(document.root().AsString().value().Reveal(), std::string_view("a\0b", 3));
}

TEST(DocumentTest, SaysWhereItIsNotJson) {
  const Error error = ErrorOf("{\n \"a\": ?}");
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_NE(error.message.find("at byte 8, line 2"), std::string::npos) << error.message;
}

TEST(DocumentTest, RefusesWhatRfc8259DoesNotKnow) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "'a'",
                           "NaN",
                           "Infinity",
                           "-",
                           "01",
                           "1.",
                           ".5",
                           "+1",
                           "1e",
                           "// c\n1",
                           "/* c */1",
                           "[1] 2",
                           "\"\t\"",
                           "\"\\x41\"",
                           "nul",
                           "tru",
                           "1e999",
                           "\"\\ud800\"",
                           "[\"a\" \"b\"]",
                           "\xef\xbb\xbf[]"}) {
    EXPECT_EQ(ErrorOf(text).code, ErrorCode::kInvalidArgument) << text;
  }
}

TEST(DocumentTest, RefusesInvalidUtf8) {
  for (const char* text :
       {"\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\xf4\x90\x80\x80\""}) {
    EXPECT_EQ(ErrorOf(text).code, ErrorCode::kInvalidArgument);
  }
}

TEST(DocumentTest, RefusesANameTwiceInOneObject) {
  const Error error = ErrorOf(R"({"x":[{"role":1,"b":2,"role":3}]})");
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.param, "role");
  EXPECT_EQ(ErrorOf(R"({"a":1,"\u0061":2})").code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(Parse(R"([{"a":1},{"a":2},{"A":1,"a":{"a":2}}])").has_value());
}

TEST(DocumentTest, RefusesDepthOverTheLimit) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(Parse(nested(32)).has_value());
  EXPECT_EQ(ErrorOf(nested(33)).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ErrorOf(nested(100'000)).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ErrorOf("[]", {.max_depth = 0}).code, ErrorCode::kInvalidArgument);
}

TEST(DocumentTest, RefusesSizesOverTheLimits) {
  EXPECT_TRUE(Parse("[12]", {.max_bytes = 4}).has_value());
  EXPECT_EQ(ErrorOf("[123]", {.max_bytes = 4}).code, ErrorCode::kTooLarge);
  EXPECT_TRUE(Parse("[1,2]", {.max_values = 3}).has_value());
  EXPECT_EQ(ErrorOf("[1,2,3]", {.max_values = 3}).code, ErrorCode::kTooLarge);
}

TEST(DocumentTest, MemoryForValuesIsBoundedBeforeTheyAreCounted) {
  std::string text = "[";
  for (int i = 0; i < 500'000; ++i) {
    text += "0,";
  }
  text += "0]";
  const Error error = ErrorOf(text, {.max_values = 1000});
  EXPECT_EQ(error.code, ErrorCode::kTooLarge);
  EXPECT_NE(error.message.find("too many values"), std::string::npos) << error.message;
}

TEST(ValueTest, TypedReadsNameThePathAndBothKinds) {
  const Document document = Parsed(R"({"messages":[{"content":"a"},{"content":5}]})");
  const Value content = document.root().Get("messages")->Elements()[1].Require("content").value();
  const Result<PlaintextView> text = content.AsString();
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(text.error().param, "messages[1].content");
  EXPECT_EQ(text.error().message, "expected a string, found an integer");
}

TEST(ValueTest, TypedReadsRefuseOtherKinds) {
  const Document document = Parsed(R"(["1", 1, 1.0, true, null])");
  const std::vector<Value> values = document.root().Elements();
  EXPECT_FALSE(values[0].AsInteger().has_value());
  EXPECT_FALSE(values[0].AsNumber().has_value());
  EXPECT_FALSE(values[1].AsString().has_value());
  EXPECT_FALSE(values[1].AsBool().has_value());
  EXPECT_FALSE(values[2].AsInteger().has_value());
  EXPECT_FALSE(values[3].AsInteger().has_value());
  EXPECT_FALSE(values[4].AsBool().has_value());
  EXPECT_FALSE(values[4].AsName().has_value());
}

TEST(ValueTest, IntegersOutOfRangeAreRefused) {
  const Document document = Parsed(
      "[9223372036854775807, 9223372036854775808, -9223372036854775808, "
      "-9223372036854775809, 18446744073709551616]");
  const std::vector<Value> values = document.root().Elements();
  EXPECT_EQ(values[0].AsInteger().value(), INT64_MAX);
  EXPECT_FALSE(values[1].AsInteger().has_value());
  EXPECT_EQ(values[2].AsInteger().value(), INT64_MIN);
  EXPECT_FALSE(values[3].AsInteger().has_value());
  EXPECT_FALSE(values[4].AsInteger().has_value());
}

TEST(ValueTest, NamesAreShortPrintableAscii) {
  const Document document = Parsed(R"(["user", "a\nb", "caf\u00e9", "long", ""])");
  const std::vector<Value> values = document.root().Elements();
  EXPECT_EQ(values[0].AsName().value(), "user");
  EXPECT_FALSE(values[1].AsName().has_value());
  EXPECT_FALSE(values[2].AsName().has_value());
  EXPECT_FALSE(values[3].AsName(3).has_value());
  EXPECT_EQ(values[4].AsName().value(), "");
}

TEST(ValueTest, AbsentAndNullFields) {
  const Document document = Parsed(R"({"a":null,"b":1})");
  const Value root = document.root();
  EXPECT_TRUE(root.Get("a").has_value());
  EXPECT_FALSE(root.GetSet("a").has_value());
  EXPECT_TRUE(root.GetSet("b").has_value());
  EXPECT_FALSE(root.Get("c").has_value());
  const Result<Value> missing = root.Require("c");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().param, "c");
  EXPECT_FALSE(root.Get("b")->Get("x").has_value());
  EXPECT_EQ(root.Get("b")->Require("x").error().message, "expected an object, found an integer");
}

TEST(ValueTest, MembersKeepTheOrderOfTheText) {
  const Document document = Parsed(R"({"z":1,"a":{"k":2}})");
  const std::vector<Value::Member> members = document.root().Members();
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0].key, "z");
  EXPECT_EQ(members[1].key, "a");
  EXPECT_EQ(members[1].value.Members()[0].value.path(), "a.k");
  EXPECT_EQ(document.root().Elements().size(), 2U);
  EXPECT_TRUE(members[0].value.Members().empty());
  EXPECT_TRUE(members[0].value.Elements().empty());
}

TEST(ValueTest, LongNamesAreCutBetweenCharacters) {
  const std::string name = std::string(63, 'n') + "\xc3\xa9" + std::string(300, 'n');
  const Document document = Parsed("{\"" + name + "\":1}");
  const Value::Member member = document.root().Members()[0];
  EXPECT_EQ(member.value.path(), std::string(63, 'n'));
  EXPECT_EQ(member.key, name.substr(0, 256));
  EXPECT_TRUE(document.root().Get(name).has_value());
}

}  // namespace
}  // namespace casemate::json
