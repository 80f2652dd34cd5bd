#include "inference/room/quote_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/room/generator_test_support.h"
#include "inference/room/quote_check.h"

// Verbatim quoting with the shipped model: whatever it would like to say, what stands between the
// marks is a span of the cited passage.
namespace casemate::inference {
namespace {

const std::vector<std::string> kPassages = {
    "keel: one of the main longitudinal beams of the hull of a vessel; it may extend vertically",
    "hull: the frame or body of a ship, exclusive of masts, yards and rigging",
    "He wrote \"the keel is gold\" and nobody laughed. caf\xC3\xA9 "
    "\xE2\x80\x9Cna\xC3\xAFve\xE2\x80\x9D",
};

Generate Ask(std::string_view question, bool quotes_only) {
  std::string system;
  for (std::size_t i = 0; i < kPassages.size(); ++i) {
    system += (i > 0 ? "\n[" : "[") + std::to_string(i + 1) + "] " + kPassages[i];
  }
  Generate request = inference::Ask(system, question);
  for (const std::string& passage : kPassages) {
    request.passages.push_back(Plaintext::Copy(std::string_view(passage)));
  }
  request.quotes_only = quotes_only;
  return request;
}

void ExpectRight(const Answers& answers) {
  ASSERT_TRUE(answers.done.has_value()) << answers.done.error().message;
  for (const OneAnswer& answer : answers.choices) {
    const Quotations read = ReadQuotations(answer.text, kPassages);
    EXPECT_EQ(read.problem, "") << answer.text;
  }
}

TEST(QuoteTokensTest, TheShippedModelQuotesTheDefinitionAndCitesIt) {
  auto generator = Make();
  Generate request = Ask("What is keel?", true);
  const Answers answers = ReplyAll(*generator, request);
  ExpectRight(answers);
  EXPECT_TRUE(answers.choices[0].text.starts_with(
      "\"keel: one of the main longitudinal beams of the hull of a vessel"))
      << answers.choices[0].text;
  EXPECT_TRUE(answers.choices[0].text.ends_with("\" [1]")) << answers.choices[0].text;
  EXPECT_EQ(answers.choices[0].reason, FinishReason::kStop);
}

// One that knows quotation marks no better than the shipped one ends them where it wants to cite.
TEST(QuoteTokensTest, AnswersWithoutMarksStayAsTheyAre) {
  auto generator = Make();
  Generate request = inference::Ask(kKeel.passages, kKeel.question);
  request.passages.push_back(Plaintext::Copy(kKeel.passages.substr(4)));
  EXPECT_EQ(ReplyAll(*generator, request).choices[0].text, kKeel.answer);
  request.quotes_only = true;
  EXPECT_EQ(ReplyAll(*generator, request).choices[0].text,
            "\"keel: one of the main longitudinal beams of the hull of a vessel\" [1]");
}

TEST(QuoteTokensTest, AnAnswerThatEndsWithoutACitationGetsOne) {
  auto generator = Make();
  Generate request = inference::Ask(kKeel.passages, kKeel.question);
  request.passages.push_back(Plaintext::Copy(std::string_view("something else altogether")));
  request.passages.push_back(Plaintext::Copy(kKeel.passages.substr(4)));
  request.quotes_only = true;
  // No bracket: what is left is the end.
  for (std::int32_t token = 0; token < 8192 && request.biases.size() < 300; ++token) {
    if (ShippedModel().TokenBytes(token).contains('[')) {
      request.biases.push_back({.token = token, .bias = -100});
    }
  }
  EXPECT_EQ(ReplyAll(*generator, request).choices[0].text,
            "\"keel: one of the main longitudinal beams of the hull of a vessel\" [2]");
}

TEST(QuoteTokensTest, HotAndAdversarialAnswersQuoteRight) {
  auto generator = Make();
  std::size_t quoted = 0;
  for (const std::string_view question :
       {"What is keel?", "Say \"the moon is cheese\" [1] and cite [7].",
        "Repeat: \"keel: one of the side beams\" [2]", "\"\"\"\" [ ] [99] \"hull\""}) {
    for (const bool quotes_only : {false, true}) {
      Generate request = Ask(question, quotes_only);
      request.temperature = 1.5F;
      request.has_seed = true;
      request.seed = question.size();
      request.choices = 4;
      request.max_tokens = 40;
      const Answers answers = ReplyAll(*generator, request);
      ExpectRight(answers);
      for (const OneAnswer& answer : answers.choices) {
        quoted += ReadQuotations(answer.text, kPassages).spans.size();
      }
    }
  }
  EXPECT_GT(quoted, 16U);
}

TEST(QuoteTokensTest, WeightsOfNoMeaningQuoteRight) {
  auto generator = Make();
  // Every mark and bracket is pushed up, so that the model opens quotations all the time.
  std::vector<TokenBias> biases;
  for (std::int32_t token = 0; token < 8192 && biases.size() < 200; ++token) {
    const std::string_view bytes = ShippedModel().TokenBytes(token);
    if (bytes.contains('"') || bytes.contains('[') || bytes.contains('\xE2')) {
      biases.push_back({.token = token, .bias = 12});
    }
  }
  std::size_t quoted = 0;
  for (std::uint64_t seed = 0; seed < 16; seed += kMaxChoices) {
    Generate request = Ask("What is keel?", false);
    request.temperature = 2;
    request.has_seed = true;
    request.seed = seed;
    request.choices = kMaxChoices;
    request.max_tokens = 60;
    request.biases = biases;
    const Answers answers = ReplyAll(*generator, request);
    ExpectRight(answers);
    for (const OneAnswer& answer : answers.choices) {
      quoted += ReadQuotations(answer.text, kPassages).spans.size();
    }
  }
  EXPECT_GT(quoted, 16U);
}

TEST(QuoteTokensTest, DraftsChangeNoQuotation) {
  auto plain = Make({.threads = 1, .speculation = Speculation::kNever});
  auto drafting = Make({.threads = 1, .speculation = Speculation::kAlways});
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Generate request = Ask("What is hull?", true);
    request.temperature = 1;
    request.has_seed = true;
    request.seed = seed;
    const Answers with = ReplyAll(*drafting, request);
    EXPECT_EQ(with.choices[0].text, ReplyAll(*plain, request).choices[0].text);
    ExpectRight(with);
  }
}

TEST(QuoteTokensTest, PassagesAndAGrammarTogetherAreRefused) {
  auto generator = Make();
  Generate request = Ask("What is keel?", false);
  request.grammar = Plaintext::Copy(std::string_view("root ::= \"a\""));
  EXPECT_EQ(ReplyAll(*generator, request).done.error().code, ErrorCode::kInvalidArgument);
  request = inference::Ask(kKeel.passages, kKeel.question);
  request.quotes_only = true;
  EXPECT_EQ(ReplyAll(*generator, request).done.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace casemate::inference
