#include "config/toml_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casemate::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Refusal(std::string_view text) {
  const Result<std::vector<TomlRecord>> records = ParseTomlRecords(text, "f.toml");
  return records ? "accepted" : records.error().message;
}

TEST(TomlRecordsTest, SectionsComeInTheOrderOfTheTextWithTheirLines) {
  const std::vector<TomlRecord> records =
      ParseTomlRecords("[plan]\na = 1\n[[hop]]\nb = \"x\"\n[labels]\nc = true\n[[hop]]\nd = 1.5\n",
                       "f.toml")
          .value();
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].section, "plan");
  EXPECT_EQ(records[1].section, "hop");
  EXPECT_EQ(records[2].section, "labels");
  EXPECT_EQ(records[3].section, "hop");
  EXPECT_EQ(records[3].line, 7U);
  EXPECT_EQ(std::get<std::int64_t>(records[0].fields.at(0).value), 1);
  EXPECT_EQ(std::get<std::string>(records[1].fields.at(0).value), "x");
  EXPECT_TRUE(std::get<bool>(records[2].fields.at(0).value));
  EXPECT_EQ(std::get<double>(records[3].fields.at(0).value), 1.5);
}

TEST(TomlRecordsTest, DatesAndListsOfStringsAreRead) {
  const std::vector<TomlRecord> records =
      ParseTomlRecords("[a]\nd = 2031-12-31\nl = [\"x\", \"y\"]\n", "f").value();
  EXPECT_EQ(std::get<TomlDate>(records[0].fields.at(0).value), (TomlDate{2031, 12, 31}));
  EXPECT_THAT(std::get<std::vector<std::string>>(records[0].fields.at(1).value),
              ElementsAre("x", "y"));
}

TEST(TomlRecordsTest, OtherShapesAreRefusedWithTheirLine) {
  EXPECT_THAT(Refusal("a = 1\n"), StartsWith("f.toml:1: expected a section"));
  EXPECT_THAT(Refusal("[a]\nb = [1]\n"), StartsWith("f.toml:2: b: expected"));
  EXPECT_THAT(Refusal("[a]\n[a.b]\nc = 1\n"), HasSubstr("b: expected"));
  EXPECT_THAT(Refusal("[a]\nb = 07:32:00\n"), HasSubstr("b: expected"));
  EXPECT_THAT(Refusal("[a\n"), StartsWith("f.toml:1: expected TOML"));
  EXPECT_THAT(Refusal("a = [1]\n"), HasSubstr("expected [[a]]"));
  // On these toml++ 3.4 asserts before it refuses (toml_library_internal.h).
  for (const char* header : {"[#a]", "[=]", "[", "[[ !a]]", "  [\t]b", "[\xc3\xa4]"}) {
    EXPECT_THAT(Refusal("[a]\n" + std::string(header) + "\n"), StartsWith("f.toml:2: expected"))
        << header;
  }
}

TEST(TomlRecordsTest, CharactersBeyondAsciiStandInStringsAndCommentsOnly) {
  for (const char* line : {"\xc3\xa4 = 1", "b\xef\xbb\xbf = 1", "b = 1 \xc3\xa4",
                           "b = \"x\" \xc2\xb5", "b = 9\"\xc6\x95\""}) {
    EXPECT_THAT(Refusal("[a]\n" + std::string(line) + "\n"), StartsWith("f.toml:2: expected TOML"))
        << line;
  }
  for (const char* line :
       {"b = \"\xc3\xa4\"", "b = '\xc3\xa4'", "b = 1 # \xc3\xa4", "\"\xc3\xa4\" = 1"}) {
    EXPECT_EQ(Refusal("\xef\xbb\xbf[a]\n" + std::string(line) + "\n"), "accepted") << line;
  }
}

TEST(TomlRecordsTest, MoreThanTheLimitIsRefused) {
  std::string text;
  for (std::size_t i = 0; i <= kMaxTomlRecords; ++i) {
    text += "[[h]]\n";
  }
  EXPECT_EQ(ParseTomlRecords(text, "f").error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(ParseTomlRecords(std::string((1 << 20) + 1, '\n'), "f").error().code,
            ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace casemate::config
