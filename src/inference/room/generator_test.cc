#include "inference/room/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "inference/room/generator_test_support.h"

namespace casemate::inference {
namespace {

struct Answer {
  std::string text;
  std::uint32_t tokens = 0;  // of the pieces
  Result<GenerateDone> done = GenerateDone{};
};

Answer Reply(Generator& generator, const Generate& request) {
  Answer answer;
  answer.done = generator.Generate(request, {.started = {},
                                             .text =
                                                 [&answer](const GenerateText& piece) {
                                                   answer.text += piece.text.view().Reveal();
                                                   answer.tokens += piece.tokens;
                                                   return true;
                                                 },
                                             .cancelled = {}});
  return answer;
}

TEST(GeneratorTest, AnswersFromThePassageAndCitesIt) {
  auto generator = Make();
  const Answer answer = Reply(*generator, Ask(kKeel.passages, kKeel.question));
  ASSERT_TRUE(answer.done.has_value()) << answer.done.error().message;
  EXPECT_EQ(answer.text, kKeel.answer);
  EXPECT_EQ(answer.done->reason, FinishReason::kStop);
  EXPECT_GT(answer.done->prompt_tokens, 20U);
  EXPECT_EQ(answer.done->completion_tokens, answer.tokens);
}

TEST(GeneratorTest, FourAtOnceAnswerAsEachAlone) {
  const std::vector<Generate> requests = [] {
    std::vector<Generate> made;
    made.push_back(Ask(kKeel.passages, kKeel.question));
    made.push_back(
        Ask("[1] mortar: a bowl in which things are ground\n"
            "[2] pestle: a club-shaped hand tool for grinding substances in a mortar",
            "Define pestle."));
    made.push_back(Ask("[1] gannet: a large heavily built seabird with a long stout bill",
                       "Tell me about gannet."));
    made.push_back(Ask("[1] sonnet: a verse form consisting of 14 lines\n[2] ode: a lyric poem",
                       "What is an ode?"));
    return made;
  }();
  auto generator = Make();
  std::vector<std::string> alone;
  for (const Generate& request : requests) {
    alone.push_back(Reply(*generator, request).text);
    EXPECT_FALSE(alone.back().empty());
  }
  std::vector<Answer> together(requests.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      threads.emplace_back([&, i] { together[i] = Reply(*generator, requests[i]); });
    }
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(together[i].text, alone[i]);
  }
}

TEST(GeneratorTest, MoreRequestsThanSequencesWaitAndAreAnswered) {
  auto generator = Make({.sequences = 2, .prefill_tokens = 16, .threads = 1});
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 5; ++i) {
      threads.emplace_back([&] {
        right +=
            Reply(*generator, Ask(kKeel.passages, kKeel.question)).text == kKeel.answer ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(right, 5);
}

TEST(GeneratorTest, AStopStringCutsTheAnswer) {
  auto generator = Make();
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.stop.push_back(Plaintext::Copy(std::string_view("longitudinal")));
  const Answer answer = Reply(*generator, request);
  EXPECT_EQ(answer.text, "keel: one of the main ");
  EXPECT_EQ(answer.done->reason, FinishReason::kStop);
}

TEST(GeneratorTest, MaxTokensEndsWithLength) {
  auto generator = Make();
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.max_tokens = 3;
  const Answer answer = Reply(*generator, request);
  EXPECT_EQ(answer.done->reason, FinishReason::kLength);
  EXPECT_EQ(answer.done->completion_tokens, 3U);
  EXPECT_TRUE(kKeel.answer.starts_with(answer.text));
}

TEST(GeneratorTest, TheSameSeedGivesTheSameAnswer) {
  auto generator = Make();
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.temperature = 2.0F;
  request.has_seed = true;
  request.seed = 7;
  const std::string first = Reply(*generator, request).text;
  EXPECT_EQ(Reply(*generator, request).text, first);
  request.seed = 8;
  EXPECT_NE(Reply(*generator, request).text, first);
}

TEST(GeneratorTest, APromptOverTheContextIsRefusedWithBothNumbers) {
  auto generator = Make();
  std::string passages = "[1] keel:";
  for (int i = 0; i < 1200; ++i) {
    passages += " beam";
  }
  const Answer answer = Reply(*generator, Ask(passages, "What is keel?"));
  ASSERT_FALSE(answer.done.has_value());
  EXPECT_EQ(answer.done.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(answer.done.error().message,
              testing::MatchesRegex("prompt of 24[0-9][0-9] tokens, the model takes 1024"));
}

TEST(GeneratorTest, AFullContextEndsWithLength) {
  auto generator = Make({.context_tokens = 60, .sequences = 1, .threads = 1});
  Generate request = Ask(kKeel.passages, kKeel.question);
  request.max_tokens = 0;
  const Answer answer = Reply(*generator, request);
  ASSERT_TRUE(answer.done.has_value()) << answer.done.error().message;
  EXPECT_EQ(answer.done->reason, FinishReason::kLength);
  EXPECT_EQ(answer.done->prompt_tokens + answer.done->completion_tokens, 60U);
}

TEST(GeneratorTest, ASinkThatSaysNoCancels) {
  auto generator = Make();
  int pieces = 0;
  Result<GenerateDone> done =
      generator->Generate(Ask(kKeel.passages, kKeel.question), {.started = {},
                                                                .text =
                                                                    [&pieces](const GenerateText&) {
                                                                      ++pieces;
                                                                      return false;
                                                                    },
                                                                .cancelled = {}});
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->reason, FinishReason::kCancelled);
  EXPECT_EQ(pieces, 1);
  generator->WaitUntilIdle();
  EXPECT_EQ(generator->active(), 0U);
}

TEST(GeneratorTest, ACancelledRequestEndsAndOthersGoOn) {
  auto generator = Make({.sequences = 1, .threads = 1});
  Result<GenerateDone> done =
      generator->Generate(Ask(kKeel.passages, kKeel.question),
                          {.started = {}, .text = {}, .cancelled = [] { return true; }});
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->reason, FinishReason::kCancelled);
  EXPECT_EQ(Reply(*generator, Ask(kKeel.passages, kKeel.question)).text, kKeel.answer);
}

TEST(GeneratorTest, BadParametersAreRefused) {
  auto generator = Make();
  for (const auto& [temperature, top_p] : std::vector<std::pair<float, float>>{
           {-0.1F, 1.0F}, {2.1F, 1.0F}, {1.0F, 0.0F}, {1.0F, 1.1F}, {__builtin_nanf(""), 1.0F}}) {
    Generate request = Ask(kKeel.passages, kKeel.question);
    request.temperature = temperature;
    request.top_p = top_p;
    const Answer answer = Reply(*generator, request);
    ASSERT_FALSE(answer.done.has_value());
    EXPECT_EQ(answer.done.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(GeneratorTest, TheTrainedContextIsTheDefault) {
  EXPECT_EQ(ShippedModel().trained_context(), 1024U);  // what its file says
  EXPECT_EQ(Make()->context_tokens(), 1024U);
}

}  // namespace
}  // namespace casemate::inference
