#include "grammar/number_range.h"

#include <cstdlib>

#include "grammar/gbnf_for_test.h"

namespace casemate::grammar {
namespace {

TEST(NumberRangeTest, IntegersOfARangeAreThoseAndNoOthers) {
  const std::pair<std::int64_t, std::int64_t> ranges[] = {
      {0, 0},     {0, 9},    {0, 10},    {1, 100},   {7, 7},       {-5, 5},    {-1, 0},
      {-120, -7}, {99, 101}, {13, 1287}, {-999, 12}, {1000, 1000}, {101, 898}, {-10, -10}};
  for (const auto& [least, most] : ranges) {
    TestGrammar grammar("root ::= " + IntegerGbnf(least, most) + "\n");
    for (std::int64_t value = -1500; value <= 1500; ++value) {
      EXPECT_EQ(grammar.Matches(std::to_string(value)), value >= least && value <= most)
          << value << " in " << least << " to " << most;
    }
    for (const char* odd : {"", "-", "-0", "00", "01", "+1", "1.0", "1e1"}) {
      EXPECT_FALSE(grammar.Matches(odd)) << odd;
    }
  }
}

TEST(NumberRangeTest, TheEndsOfSixtyFourBitsAreServed) {
  TestGrammar grammar("root ::= " + IntegerGbnf(INT64_MIN, INT64_MAX) + "\n");
  for (const char* inside : {"-9223372036854775808", "9223372036854775807", "0"}) {
    EXPECT_TRUE(grammar.Matches(inside)) << inside;
  }
  for (const char* outside : {"-9223372036854775809", "9223372036854775808"}) {
    EXPECT_FALSE(grammar.Matches(outside)) << outside;
  }
}

TEST(NumberRangeTest, NumbersOfARangeAreThoseAndNoOthers) {
  const std::pair<std::optional<Bound>, std::optional<Bound>> ranges[] = {
      {Bound{0}, std::nullopt},
      {Bound{0, true}, std::nullopt},
      {std::nullopt, Bound{0}},
      {std::nullopt, Bound{0, true}},
      {Bound{0}, Bound{1}},
      {Bound{0, true}, Bound{1, true}},
      {Bound{-1, true}, Bound{1}},
      {Bound{-12}, Bound{-3, true}},
      {Bound{5}, Bound{5}},
      {Bound{-3, true}, Bound{14, true}},
      {Bound{-1, true}, Bound{0, true}}};
  std::mt19937 random(1);
  for (const auto& [least, most] : ranges) {
    const std::string gbnf = NumberGbnf(least, most);
    TestGrammar grammar("root ::= " + gbnf + "\n");
    const auto inside = [&](double value) {
      const bool low = !least || (least->open ? value > static_cast<double>(least->value)
                                              : value >= static_cast<double>(least->value));
      return low && (!most || (most->open ? value < static_cast<double>(most->value)
                                          : value <= static_cast<double>(most->value)));
    };
    for (const char* text : {"-13",  "-12", "-11.5", "-3.01",  "-3",    "-2.99", "-1",    "-0.999",
                             "-0.5", "0",   "0.0",   "0.25",   "0.999", "1",     "1.0",   "1.01",
                             "5",    "5.0", "5.1",   "13.999", "14",    "14.0",  "1000.5"}) {
      EXPECT_EQ(grammar.Matches(text), inside(std::atof(text))) << text << " by " << gbnf;
    }
    for (int i = 0; i < 300; ++i) {
      const std::string sample = grammar.Sample(random);
      EXPECT_TRUE(inside(std::atof(sample.c_str()))) << sample << " by " << gbnf;
    }
  }
}

}  // namespace
}  // namespace casemate::grammar
