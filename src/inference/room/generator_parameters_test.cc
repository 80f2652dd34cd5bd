#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <thread>

#include "inference/room/generator.h"
#include "inference/room/generator_test_support.h"

// What a request may ask for beside its prompt: choices, logprobs, grammars, drafts.
namespace casemate::inference {
namespace {

TEST(GeneratorParametersTest, ChoicesAreWhatTheirSeedsGiveAlone) {
  auto generator = Make();
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.temperature = 1.2F;
  request.has_seed = true;
  request.seed = 40;
  request.choices = 3;
  request.max_tokens = 16;
  const Answers three = ReplyAll(*generator, request);
  ASSERT_TRUE(three.done.has_value()) << three.done.error().message;
  ASSERT_EQ(three.choices.size(), 3U);
  std::uint32_t tokens = 0;
  request.choices = 1;
  for (std::uint32_t i = 0; i < 3; ++i) {
    request.seed = 40 + i;
    const Answers alone = ReplyAll(*generator, request);
    EXPECT_EQ(three.choices[i].text, alone.choices[0].text) << i;
    EXPECT_EQ(three.choices[i].reason, alone.choices[0].reason) << i;
    tokens += alone.done->completion_tokens;
  }
  EXPECT_EQ(three.done->completion_tokens, tokens);
}

TEST(GeneratorParametersTest, MoreChoicesThanSequencesFollowEachOther) {
  for (const std::uint32_t sequences : {1U, 2U, 4U}) {
    auto generator = Make({.sequences = sequences, .threads = 1});
    Generate request = Ask(kKeel.passages, kKeel.question);
    request.choices = kMaxChoices;
    const Answers eight = ReplyAll(*generator, request);
    ASSERT_TRUE(eight.done.has_value()) << eight.done.error().message;
    ASSERT_EQ(eight.choices.size(), kMaxChoices);
    for (const OneAnswer& choice : eight.choices) {
      EXPECT_EQ(choice.text, kKeel.answer);
      EXPECT_EQ(choice.reason, FinishReason::kStop);
    }
    generator->WaitUntilIdle();
    EXPECT_EQ(generator->active(), 0U);
  }
}

TEST(GeneratorParametersTest, OthersAreAnsweredBesideManyChoices) {
  auto generator = Make({.sequences = 2, .threads = 1});
  Generate many = Ask(kKeel.passages, kKeel.question);
  many.choices = kMaxChoices;
  std::string other;
  {
    std::jthread first([&] { (void)ReplyAll(*generator, many); });
    std::jthread second(
        [&] { other = ReplyAll(*generator, Ask(kKeel.passages, kKeel.question)).choices[0].text; });
  }
  EXPECT_EQ(other, kKeel.answer);
}

TEST(GeneratorParametersTest, ACancelledRequestWithChoicesFreesAllItsSequences) {
  auto generator = Make({.sequences = 2, .threads = 1});
  Generate many = Ask(kKeel.passages, kKeel.question);
  many.choices = 5;
  Result<GenerateDone> done = generator->Generate(
      many, {.started = {}, .text = [](const GenerateText&) { return false; }, .cancelled = {}});
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->reason, FinishReason::kCancelled);
  generator->WaitUntilIdle();
  EXPECT_EQ(ReplyAll(*generator, many).choices[4].text, kKeel.answer);
}

TEST(GeneratorParametersTest, EachChoiceEndsForItsOwnReason) {
  auto generator = Make();
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.max_tokens = 4;
  request.choices = 2;
  const Answers answers = ReplyAll(*generator, request);
  EXPECT_EQ(answers.choices[0].reason, FinishReason::kLength);
  EXPECT_EQ(answers.choices[1].reason, FinishReason::kLength);
  EXPECT_EQ(answers.done->completion_tokens, 8U);
}

TEST(GeneratorParametersTest, LogprobsComeOneATokenAndGreedyTakesTheLikeliest) {
  auto generator = Make();
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.logprobs = true;
  request.top_logprobs = 3;
  const Answers answers = ReplyAll(*generator, request);
  ASSERT_TRUE(answers.done.has_value());
  const OneAnswer& answer = answers.choices[0];
  EXPECT_EQ(answer.logprobs.size(), answers.done->completion_tokens);
  std::string text;
  for (const TokenLogprob& entry : answer.logprobs) {
    text += entry.text.view().Reveal();
    ASSERT_EQ(entry.top.size(), 3U);
    EXPECT_EQ(entry.text.view().Reveal(), entry.top[0].text.view().Reveal());
    EXPECT_FLOAT_EQ(entry.logprob, entry.top[0].logprob);
    EXPECT_LE(entry.logprob, 0);
    EXPECT_GE(entry.top[0].logprob, entry.top[1].logprob);
    EXPECT_GE(entry.top[1].logprob, entry.top[2].logprob);
  }
  EXPECT_EQ(text, kKeel.answer);
}

TEST(GeneratorParametersTest, LogprobsDoNotChangeWithTemperature) {
  auto generator = Make();
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.logprobs = true;
  request.max_tokens = 1;
  const float greedy = ReplyAll(*generator, request).choices[0].logprobs.at(0).logprob;
  request.temperature = 0.01F;
  EXPECT_FLOAT_EQ(ReplyAll(*generator, request).choices[0].logprobs.at(0).logprob, greedy);
}

TEST(GeneratorParametersTest, ARawPromptIsGoneOnWith) {
  auto generator = Make();
  Generate request;
  request.raw = true;
  request.temperature = 0;
  request.max_tokens = 12;
  request.messages.push_back(
      {.role = "", .content = Plaintext::Copy(std::string_view("keel: one of the main"))});
  const Answers answers = ReplyAll(*generator, request);
  ASSERT_TRUE(answers.done.has_value()) << answers.done.error().message;
  // The tokens of the text alone: no template around it.
  const Result<TokenBuffer> alone = ShippedModel().TokenizeContent(request.messages[0].content);
  EXPECT_LE(answers.done->prompt_tokens, alone->size() + 1);
  request.messages.push_back({.role = "", .content = Plaintext::Copy(std::string_view("x"))});
  EXPECT_FALSE(ReplyAll(*generator, request).done.has_value());
}

TEST(GeneratorParametersTest, ParametersOutOfRangeNameTheirField) {
  auto generator = Make();
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.choices = 9;
  EXPECT_EQ(ReplyAll(*generator, request).done.error().param, "n");
  request.choices = 1;
  request.biases.push_back({.token = 8192, .bias = 1});
  EXPECT_EQ(ReplyAll(*generator, request).done.error().param, "logit_bias");
}

struct GrammarCase {
  std::string_view grammar;
  std::string_view pattern;  // ECMAScript, of what it may give
};

constexpr GrammarCase kGrammars[] = {
    {"root ::= \"yes\" | \"no\"", "yes|no"},
    {"root ::= [0-9]{3} \"-\" [0-9]{4}", "[0-9]{3}-[0-9]{4}"},
    // What a schema {"name": string, "age": integer, "tags": array of enum} becomes.
    {"root ::= \"{\\\"name\\\":\" string \",\\\"age\\\":\" integer \",\\\"tags\\\":[\" (tag (\",\" "
     "tag){0,2})? \"]}\"\nstring ::= \"\\\"\" [a-z]{1,8} \"\\\"\"\ninteger ::= \"-\"? (\"0\" | "
     "[1-9] [0-9]{0,3})\ntag ::= \"\\\"red\\\"\" | \"\\\"blue\\\"\"\n",
     "\\{\"name\":\"[a-z]{1,8}\",\"age\":-?(0|[1-9][0-9]{0,3}),"
     "\"tags\":\\[((\"red\"|\"blue\")(,(\"red\"|\"blue\")){0,2})?\\]\\}"},
    {"root ::= \"é\" [α-ω]{2} \"!\"", "é(?:[\\xCE\\xCF][\\x80-\\xBF]){2}!"},
};

TEST(GeneratorParametersTest, WhatAGrammarGivesMatchesItForManySeeds) {
  auto generator = Make();
  for (const GrammarCase& one : kGrammars) {
    const std::regex pattern{std::string(one.pattern)};
    Generate request = Ask(kKeel.passages, kKeel.question);
    request.grammar = Plaintext::Copy(one.grammar);
    request.temperature = 1.5F;
    request.has_seed = true;
    request.choices = kMaxChoices;
    request.max_tokens = 64;
    for (request.seed = 0; request.seed < 24; request.seed += kMaxChoices) {
      const Answers answers = ReplyAll(*generator, request);
      ASSERT_TRUE(answers.done.has_value()) << answers.done.error().message;
      for (const OneAnswer& answer : answers.choices) {
        EXPECT_EQ(answer.reason, FinishReason::kStop);
        EXPECT_TRUE(std::regex_match(answer.text, pattern)) << answer.text;
      }
    }
  }
}

TEST(GeneratorParametersTest, AGrammarThatIsCutGivesLength) {
  auto generator = Make();
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.grammar = Plaintext::Copy(std::string_view("root ::= [0-9]{50}"));
  request.max_tokens = 5;
  const Answers answers = ReplyAll(*generator, request);
  EXPECT_EQ(answers.choices[0].reason, FinishReason::kLength);
  EXPECT_TRUE(std::regex_match(answers.choices[0].text, std::regex("[0-9]+")));
}

TEST(GeneratorParametersTest, BrokenGrammarsAreRefused) {
  auto generator = Make();
  Generate request = Ask(kKeel.passages, kKeel.question);
  for (const auto& [grammar, message] : std::vector<std::pair<std::string_view, std::string>>{
           {"root ::= \"a", "line 1, column 10"},
           {"root ::= root \"a\" | \"b\"", "left-recursive"},
           {"root ::= a\na ::= b\nb ::= \"x\"? a \"y\"", "left-recursive"}}) {
    request.grammar = Plaintext::Copy(grammar);
    const Answers answers = ReplyAll(*generator, request);
    ASSERT_FALSE(answers.done.has_value()) << grammar;
    EXPECT_EQ(answers.done.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(answers.done.error().param, "grammar");
    EXPECT_THAT(answers.done.error().message, testing::HasSubstr(message));
  }
}

TEST(GeneratorParametersTest, DraftsChangeNoAnswer) {
  auto plain = Make({.threads = 1, .speculation = Speculation::kNever});
  auto drafting = Make({.threads = 1, .speculation = Speculation::kAlways});
  std::uint32_t accepted = 0;
  for (const float temperature : {0.0F, 0.7F, 1.3F}) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      Generate request = Ask(kKeel.passages, kKeel.question);
      request.temperature = temperature;
      request.has_seed = true;
      request.seed = seed;
      request.choices = 2;
      const Answers without = ReplyAll(*plain, request);
      const Answers with = ReplyAll(*drafting, request);
      ASSERT_TRUE(with.done.has_value()) << with.done.error().message;
      for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(with.choices[i].text, without.choices[i].text) << temperature << ' ' << seed;
        EXPECT_EQ(with.choices[i].reason, without.choices[i].reason);
      }
      EXPECT_EQ(with.done->completion_tokens, without.done->completion_tokens);
      EXPECT_EQ(without.done->drafted_tokens, 0U);
      EXPECT_LE(with.done->accepted_tokens, with.done->drafted_tokens);
      accepted += with.done->accepted_tokens;
    }
  }
  EXPECT_GT(accepted, 50U);  // the answers quote their prompt
}

TEST(GeneratorParametersTest, ARequestCanRefuseDrafts) {
  auto drafting = Make({.threads = 1, .speculation = Speculation::kAlways});
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.speculate = false;
  EXPECT_EQ(ReplyAll(*drafting, request).done->drafted_tokens, 0U);
}

}  // namespace
}  // namespace casemate::inference
