#include "inference/room/quote_constraint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "inference/room/quote_check.h"

namespace casemate::inference {
namespace {

using State = QuoteConstraint::State;

const std::vector<std::string> kPassages = {
    "keel: one of the main longitudinal beams of the hull of a vessel",
    "The hull of a vessel carries the keel. A caf\xC3\xA9 is no hull.",
    "She said \"the hull of a vessel\" twice;\n  then  nothing. "
    "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E",
};

QuoteConstraint Make(const std::vector<std::string>& texts = kPassages, bool quotes_only = false) {
  std::vector<Plaintext> passages;
  for (const std::string& text : texts) {
    passages.push_back(Plaintext::Copy(std::string_view(text)));
  }
  Result<QuoteConstraint> made = QuoteConstraint::Create(passages, quotes_only);
  EXPECT_TRUE(made.has_value());
  return std::move(*made);
}

bool Takes(const QuoteConstraint& quotes, std::string_view answer, bool and_end = true) {
  State state;
  return quotes.Advance(state, answer, false) && (!and_end || quotes.MayEnd(state));
}

TEST(QuoteConstraintTest, ExactSpansWithTheirPassagePass) {
  const QuoteConstraint quotes = Make();
  for (const std::string_view answer :
       {"It is \"one of the main longitudinal beams\" [1].", "\"The hull of a vessel\" [2]",
        "\"hull of a vessel\" [1] [2] [3] and so on", "\"hull of a vessel\" [3][1], yes",
        "no quotation at all", "", "a [9] of one's own words", "\"A caf\xC3\xA9 is no hull.\" [2]",
        "\"twice;\n  then  nothing\" [3]", "\"keel: one\" [1] \"longitudinal\" [1]"}) {
    EXPECT_TRUE(Takes(quotes, answer)) << answer;
  }
}

TEST(QuoteConstraintTest, AnythingElseBetweenMarksIsRefused) {
  const QuoteConstraint quotes = Make();
  for (const std::string_view answer :
       {"\"one of the main Longitudinal", "\"one of the  main", "\"ne of the main", "\" one of",
        "\"hull of a vessel carries the keel.\" [1", "\"One of", "\"twice; then", "\"\"",
        "\"She said \"the", "\"nothing. \xE6\x97\xA5\"\"", "\"keel: one \" [1", "\"A caf\xC3\"",
        "\"longitudinal beams of the hul\""}) {
    EXPECT_FALSE(Takes(quotes, answer, false)) << answer;
  }
}

TEST(QuoteConstraintTest, OnlyAPassageWithTheSpanIsCited) {
  const QuoteConstraint quotes = Make();
  for (const std::string_view answer :
       {"\"longitudinal beams\" [2", "\"longitudinal beams\" [4", "\"longitudinal beams\" [0",
        "\"longitudinal beams\" [11", "\"longitudinal beams\" [1] [2",
        "\"longitudinal beams\" [1][3", "\"longitudinal beams\" [x", "\"longitudinal beams\" []",
        "\"longitudinal beams\"[1", "\"longitudinal beams\" and", "\"longitudinal beams\"."}) {
    EXPECT_FALSE(Takes(quotes, answer, false)) << answer;
  }
}

TEST(QuoteConstraintTest, AnAnswerEndsOutsideAQuotationOnly) {
  const QuoteConstraint quotes = Make();
  for (const std::string_view answer :
       {"\"longitudinal", "\"longitudinal beams\"", "\"longitudinal beams\" ",
        "\"longitudinal beams\" [", "\"longitudinal beams\" [1"}) {
    EXPECT_TRUE(Takes(quotes, answer, false)) << answer;
    EXPECT_FALSE(Takes(quotes, answer)) << answer;
  }
}

TEST(QuoteConstraintTest, OtherMarksOfQuotationAreRefusedOutsideASpan) {
  const QuoteConstraint quotes = Make({"a \xE2\x80\x9Cmarked\xE2\x80\x9D word is quoted here"});
  for (const std::string_view mark : {"\xE2\x80\x9C", "\xE2\x80\x9D", "\xE2\x80\x9E", "\xC2\xAB",
                                      "\xC2\xBB", "\xEF\xBC\x82", "\xE3\x80\x8C"}) {
    EXPECT_FALSE(Takes(quotes, "said " + std::string(mark)));
  }
  EXPECT_TRUE(Takes(quotes, "\"a \xE2\x80\x9Cmarked\xE2\x80\x9D word\" [1]"));
  EXPECT_TRUE(Takes(quotes, "it's caf\xC3\xA9 \xE2\x80\x94 yes"));
}

TEST(QuoteConstraintTest, ShortSpansCloseOnlyWhereThereIsNoMore) {
  const QuoteConstraint quotes = Make({"on", "once upon a time"});
  EXPECT_TRUE(Takes(quotes, "\"on\" [1]"));
  EXPECT_FALSE(Takes(quotes, "\"once\""));
  EXPECT_TRUE(Takes(quotes, "\"once upon\" [2]"));
  EXPECT_TRUE(Takes(quotes, "\"time\" [2]"));
}

TEST(QuoteConstraintTest, QuotesOnlyLeavesNothingElse) {
  const QuoteConstraint quotes = Make(kPassages, true);
  EXPECT_TRUE(Takes(quotes, "\"longitudinal beams\" [1]"));
  EXPECT_TRUE(Takes(quotes, "\"longitudinal beams\" [1] \"carries the keel\" [2]"));
  EXPECT_TRUE(Takes(quotes, "\"hull of a vessel\" [1] [2]"));
  for (const std::string_view answer :
       {"k", " ", "[", "\"longitudinal beams\" [1].", "\"longitudinal beams\" [1]\"",
        "\"longitudinal beams\" [1] x"}) {
    EXPECT_FALSE(Takes(quotes, answer, false)) << answer;
  }
  EXPECT_FALSE(Takes(quotes, ""));
}

TEST(QuoteConstraintTest, ClosingEndsAQuotationAtTheNextCharacter) {
  const QuoteConstraint quotes = Make();
  State state;
  ASSERT_TRUE(quotes.Advance(state, "\"A caf\xC3", false));
  State copy = state;
  EXPECT_FALSE(quotes.Advance(copy, "\"", true));
  ASSERT_TRUE(quotes.Advance(state, "\xA9", true));
  copy = state;
  EXPECT_FALSE(quotes.Advance(copy, " ", true));
  ASSERT_TRUE(quotes.Advance(state, "\" [2]", true));
  EXPECT_TRUE(quotes.MayEnd(state));
  EXPECT_FALSE(quotes.Advance(state, " \"", true));
}

TEST(QuoteConstraintTest, PassagesThatGiveNothingAreRefused) {
  const auto refused = [](std::vector<Plaintext> passages, ErrorCode code) {
    Result<QuoteConstraint> made = QuoteConstraint::Create(passages, false);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, code);
    EXPECT_EQ(made.error().param, "passages");
  };
  const auto one = [](std::string_view text) {
    std::vector<Plaintext> passages;
    passages.push_back(Plaintext::Copy(text));
    return passages;
  };
  refused({}, ErrorCode::kInvalidArgument);
  refused(one(""), ErrorCode::kInvalidArgument);
  refused(one(" \n\t"), ErrorCode::kInvalidArgument);
  refused(one("\"\"\""), ErrorCode::kInvalidArgument);
  refused(one("\xFF\xFE"), ErrorCode::kInvalidArgument);
  refused(one(std::string(kMaxPassageBytes + 1, 'a')), ErrorCode::kTooLarge);
  refused(std::vector<Plaintext>(kMaxPassages + 1), ErrorCode::kInvalidArgument);
}

// Walks at random through what is allowed, byte by byte: there is always a way on, and what comes
// out is right by another reading.
void Walk(const std::vector<std::string>& passages, bool quotes_only, unsigned seed, int rounds) {
  const QuoteConstraint quotes = Make(passages, quotes_only);
  std::mt19937 random(seed);
  for (int round = 0; round < rounds; ++round) {
    std::string answer;
    State state;
    const std::size_t limit = 40 + random() % 300;
    while (true) {
      const bool closing = answer.size() >= limit;
      if (quotes.MayEnd(state) && (closing || (!answer.empty() && random() % 40 == 0))) {
        break;
      }
      std::string allowed;
      for (int byte = 1; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        State next = state;
        if (quotes.Advance(next, std::string_view(&c, 1), closing)) {
          allowed += c;
        }
      }
      ASSERT_FALSE(allowed.empty()) << answer;
      // Marks and brackets often, as an adversary would.
      char c = allowed[random() % allowed.size()];
      if (random() % 3 == 0 && allowed.contains('"')) {
        c = '"';
      }
      ASSERT_TRUE(quotes.Advance(state, std::string_view(&c, 1), closing));
      answer += c;
      ASSERT_LT(answer.size(), limit + 16);  // closing ends it soon
    }
    const Quotations read = ReadQuotations(answer, passages);
    EXPECT_EQ(read.problem, "") << answer;
    EXPECT_TRUE(!quotes_only || !read.spans.empty());
  }
}

TEST(QuoteConstraintTest, RandomWalksQuoteRightAndNeverStick) {
  std::vector<std::string> twelve;
  for (int i = 0; i < 12; ++i) {
    twelve.push_back("passage " + std::to_string(i) + " says abcabcabc abcabc abcab \"x\" [" +
                     std::to_string(i) + "] \xF0\x9F\x98\x80\xF0\x9F\x98\x80");
  }
  const std::vector<std::string> blob = {std::string(5000, 'a'), [] {
                                           std::string text;
                                           for (int i = 0; i < 1500; ++i) {
                                             text += "\xE6\x97\xA5";
                                           }
                                           return text;
                                         }()};
  unsigned seed = 0;
  for (const bool quotes_only : {false, true}) {
    for (const auto& passages : {kPassages, twelve, {"a"}, {"x\"y\"z", "\"]["}}) {
      Walk(passages, quotes_only, ++seed, 12);
    }
    Walk(blob, quotes_only, ++seed, 2);
  }
}

TEST(QuoteConstraintTest, ASpanEndsBeforeItGrowsWithoutBound) {
  const QuoteConstraint quotes = Make({std::string(5000, 'a')});
  State state;
  ASSERT_TRUE(quotes.Advance(state, "\"" + std::string(2 * kMaxQuoteBytes, 'a'), false));
  State copy = state;
  EXPECT_FALSE(quotes.Advance(copy, "a", false));
  EXPECT_TRUE(quotes.Advance(state, "\" [1]", false));
}

}  // namespace
}  // namespace casemate::inference
