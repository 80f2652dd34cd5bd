#include "grammar/regex.h"

#include <chrono>
#include <regex>

#include "grammar/formats.h"
#include "grammar/gbnf_for_test.h"

namespace casemate::grammar {
namespace {

std::string Gbnf(std::string_view pattern) {
  Result<Regex> regex = ParseRegex(PlaintextView::Of(pattern));
  EXPECT_TRUE(regex.has_value()) << pattern << ": " << regex.error().message;
  Plaintext out;
  out.AppendLiteral("root ::= ");
  WriteRegex(out, *regex);
  out.AppendLiteral("\n");
  return std::string(out.view().Reveal());
}

std::string RefusedBecause(std::string_view pattern) {
  Result<Regex> regex = ParseRegex(PlaintextView::Of(pattern));
  return regex ? "not refused" : regex.error().message;
}

// std::regex is ECMA-262 too (libstdc++, another implementation).
TEST(RegexTest, MatchesAreThoseOfTheStandardLibrary) {
  const char* patterns[] = {"^[a-z]+$",
                            "^a|b$",
                            "x",
                            "^(ab|c){2,3}$",
                            "^\\d{3}-\\w*$",
                            "^[^a-y\\d]z?$",
                            "^a.c$",
                            "^(?:a|b)*?c",
                            "^[\\]\\-a]+$",
                            "a$",
                            "^\\S+$",
                            "^$",
                            "^-?[0-9]+(\\.[0-9]+)?$",
                            "^[A-]$"};
  const char* texts[] = {"",      "a",       "b", "abc", "x",   "axb", "abab",  "ababc", "cab",
                         "123-",  "123-w_9", "z", "zz",  "a-c", "a]-", "abbac", "c",     "ba",
                         "-12.5", "12.",     "A", "-",   "5z",  " ",   "ccc",   "abcc"};
  for (const char* pattern : patterns) {
    TestGrammar grammar(Gbnf(pattern));
    for (const char* text : texts) {
      EXPECT_EQ(grammar.Matches(text), std::regex_search(text, std::regex(pattern)))
          << "'" << text << "' by " << pattern;
    }
  }
}

TEST(RegexTest, WhatJsonCannotWriteIsEscaped) {
  TestGrammar quotes(Gbnf("^[\"\\\\\\n\\x01a]+$"));
  EXPECT_TRUE(quotes.Matches(R"(\"\\\n\u0001a)"));
  for (const char* raw : {"\"", "\n", "\\", "\x01", "\\u000a"}) {
    EXPECT_FALSE(quotes.Matches(raw)) << raw;
  }
  TestGrammar any(Gbnf("^[^x]$"));
  EXPECT_TRUE(any.Matches("\\t"));
  EXPECT_TRUE(any.Matches("\xf0\x9f\x8f\xb0"));  // U+1F3F0
  EXPECT_FALSE(any.Matches("x"));
  EXPECT_FALSE(any.Matches("\t"));
}

TEST(RegexTest, WhatIsNotServedIsRefusedWithItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"(?=a)", "at byte 2"},
      {"(?<n>a)", "at byte 2"},
      {"a\\1", "at byte 2"},
      {"\\bword", "at byte 1"},
      {"a**", "at byte 2"},
      {"(a?)*", "may be empty"},
      {"(|a){2}", "may be empty"},
      {"a{2,1}", "out of order"},
      {"a{1001}", "over 1000"},
      {"a{,2}", "a count"},
      {"a{2", "'}'"},
      {"[b-a]", "out of order"},
      {"[]", "without characters"},
      {"[a", "']'"},
      {"(a", "')'"},
      {"a)", "')' without"},
      {"a^b", "not served here"},
      {"a$b", "end of the pattern"},
      {"(a$)", "end of the pattern"},
      {"\\p{L}", "at byte 1"},
      {"\\ud800", "hexadecimal"},
      {"*a", "not served here"},
      {"a\\", "backslash at the end"},
      {"[^\\s\\S]", "without characters"},
  };
  for (const auto& [pattern, why] : cases) {
    EXPECT_NE(RefusedBecause(pattern).find(why), std::string::npos)
        << pattern << ": " << RefusedBecause(pattern);
  }
  std::string deep(20, '(');
  EXPECT_NE(RefusedBecause(deep).find("deeper than"), std::string::npos);
  EXPECT_NE(RefusedBecause(std::string(2000, 'a')).find("2000 bytes"), std::string::npos);
}

TEST(RegexTest, SizesCountRepetitionsOut) {
  EXPECT_EQ(SizeOf(*ParseRegex(PlaintextView::Of("^[a-z]{100}$"))), 101U);
  EXPECT_GT(SizeOf(*ParseRegex(PlaintextView::Of("^((((a{1000}){1000}){1000}){1000})$"))),
            std::size_t{1} << 31);
}

TEST(FormatsTest, DatesAreThoseOfTheCalendar) {
  TestGrammar grammar(Gbnf(*PatternOfFormat("date")));
  int matched = 0;
  for (int year : {1000, 1582, 1900, 1996, 2000, 2023, 2024, 2100, 2400, 9999}) {
    for (unsigned month = 0; month <= 13; ++month) {
      for (unsigned day = 0; day <= 32; ++day) {
        char text[16];
        std::snprintf(text, sizeof text, "%04d-%02u-%02u", year, month, day);
        const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                               std::chrono::day(day)};
        EXPECT_EQ(grammar.Matches(text), date.ok()) << text;
        matched += date.ok() ? 1 : 0;
      }
    }
  }
  EXPECT_EQ(matched, 10 * 365 + 4);  // leap: 1996, 2000, 2024, 2400
}

TEST(FormatsTest, EachFormatMatchesItsExamplesAndNothingNear) {
  const std::pair<const char*, std::vector<const char*>> good[] = {
      {"time", {"23:59:59Z", "00:00:00.5+02:00"}},
      {"date-time", {"2024-02-29T12:30:00Z"}},
      {"duration", {"P3W", "P1Y2M3D", "PT5M", "P1DT12H", "PT36S"}},
      {"uuid", {"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}},
      {"email", {"jo@example.org", "a.b+c@mail.example.com"}},
      {"hostname", {"localhost", "www.example.org"}},
      {"ipv4", {"0.0.0.0", "192.168.1.255"}},
      {"ipv6", {"2001:db8:0:0:0:0:0:1"}}};
  const std::pair<const char*, std::vector<const char*>> bad[] = {
      {"time", {"24:00:00Z", "12:60:00Z", "12:00:00", "1:00:00Z"}},
      {"date-time", {"2023-02-29T12:30:00Z", "2024-02-29 12:30:00Z", "2024-02-29"}},
      {"duration", {"P", "PT", "P1M1W", "1D", "P1S"}},
      {"uuid", {"f81d4fae7dec11d0a76500a0c91e6bf6", "g81d4fae-7dec-11d0-a765-00a0c91e6bf6"}},
      {"email", {"jo", "@example.org", "a..b@example.org", "jo@example", "jo@-a.org"}},
      {"hostname", {"", "-a", "a-", "a..b"}},
      {"ipv4", {"256.0.0.0", "01.0.0.0", "1.2.3"}},
      {"ipv6", {"::1", "1:2:3:4:5:6:7", "12345:0:0:0:0:0:0:1"}}};
  for (const auto& [format, texts] : good) {
    TestGrammar grammar(Gbnf(*PatternOfFormat(format)));
    for (const char* text : texts) {
      EXPECT_TRUE(grammar.Matches(text)) << format << " " << text;
    }
  }
  for (const auto& [format, texts] : bad) {
    TestGrammar grammar(Gbnf(*PatternOfFormat(format)));
    for (const char* text : texts) {
      EXPECT_FALSE(grammar.Matches(text)) << format << " " << text;
    }
  }
  EXPECT_FALSE(PatternOfFormat("uri").has_value());
}

}  // namespace
}  // namespace casemate::grammar
