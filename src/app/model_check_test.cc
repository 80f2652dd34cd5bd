#include "app/model_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

namespace casemate::app {
namespace {

using inference::FinishReason;
using inference::GenerateDone;

// A model of one token a byte, whose template adds ten; what it does can be changed.
class ScriptedRoom : public inference::RoomClient {
 public:
  std::uint32_t context = 512;
  std::uint32_t overhead = 10;
  std::string answer = "yes";
  std::string by_grammar = R"({"name":"x","count":1,"sure":true})";
  std::function<Result<void>(const inference::Generate&)> refuse =
      [](const inference::Generate&) -> Result<void> { return {}; };
  bool shows_functions = true;
  bool cuts = false;   // long prompts instead of refusing them
  int different = -1;  // the answer of that number is another one
  FinishReason reason = FinishReason::kStop;

  Result<GenerateDone> Generate(const inference::Generate& request, const Sink& sink,
                                const std::function<bool()>&) override {
    if (Result<void> fine = refuse(request); !fine) {
      return std::unexpected(fine.error());
    }
    std::size_t tokens = overhead;
    for (const inference::ChatMessage& message : request.messages) {
      tokens += message.content.size();
    }
    tokens += shows_functions ? request.tools.size() : 0;
    if (tokens >= context && !cuts) {
      return Fail(ErrorCode::kTooLarge, "prompt too long");
    }
    std::string text = request.grammar.empty() ? answer : by_grammar;
    text += calls_++ == different ? "!" : "";
    inference::GenerateText piece;
    piece.text = Plaintext::Copy(text);
    (void)sink.text(piece);
    GenerateDone done;
    done.reason = reason;
    done.prompt_tokens = static_cast<std::uint32_t>(tokens);
    done.completion_tokens = static_cast<std::uint32_t>(text.size());
    done.prefill_us = 1'000'000;
    done.decode_us = 1'000'000;
    return done;
  }
  Result<inference::EmbedReply> Embed(const inference::Embed& request) override {
    inference::EmbedReply reply;
    reply.dimensions = 2;
    for (const Plaintext& text : request.texts) {
      const auto byte = static_cast<unsigned>(text.view().RevealBytes()[0]);
      const bool other = !alike && byte == 'q';
      const float vector[2] = {other ? 0.0F : length, other ? length : 0.0F};
      Plaintext bytes = Plaintext::Zeroed(sizeof(vector));
      std::memcpy(bytes.mutable_bytes().data(), vector, sizeof(vector));
      reply.vectors.Append(bytes);
    }
    return reply;
  }
  Result<std::vector<std::uint32_t>> CountTokens(const std::vector<PlaintextView>& texts) override {
    std::vector<std::uint32_t> counts;
    for (const PlaintextView& text : texts) {
      counts.push_back(static_cast<std::uint32_t>(text.size()));
    }
    return counts;
  }
  Result<inference::RankReply> Rank(const inference::Rank&) override {
    return Fail(ErrorCode::kInvalidArgument, "not asked here");
  }

  bool alike = false;
  float length = 1;

 private:
  int calls_ = 0;
};

std::string Findings(const ModelReport& report, Finding finding) {
  std::string ids;
  for (const ModelFinding& one : report.findings) {
    if (one.finding == finding) {
      ids += (ids.empty() ? "" : " ") + one.id;
    }
  }
  return ids;
}

ModelReport Checked(ScriptedRoom& room) {
  Result<ModelReport> report = CheckChatModel(room, room.context);
  EXPECT_TRUE(report.has_value());
  return report ? *report : ModelReport();
}

TEST(ModelCheckTest, AModelThatDoesAllIsGood) {
  ScriptedRoom room;
  const ModelReport report = Checked(room);
  EXPECT_EQ(report.worst(), Finding::kGood);
  EXPECT_EQ(Findings(report, Finding::kGood),
            "template system functions stop json greedy context overflow");
  EXPECT_NEAR(report.speed.prompt_tokens_per_s, 420, 20);  // of 512, less room for an answer
  EXPECT_EQ(report.speed.answer_tokens_per_s, 2);          // 3 tokens: two gaps in a second
}

TEST(ModelCheckTest, ATemplateThatFailsIsBadAndTheRestIsStillTried) {
  ScriptedRoom room;
  room.refuse = [](const inference::Generate& request) -> Result<void> {
    return request.messages.size() > 1
               ? Fail(ErrorCode::kInvalidArgument, "System role not supported")
               : Result<void>();
  };
  const ModelReport report = Checked(room);
  EXPECT_EQ(Findings(report, Finding::kBad), "system");
  EXPECT_EQ(report.findings[1].what, "System role not supported");
  EXPECT_FALSE(report.findings[1].remedy.empty());
  EXPECT_EQ(report.findings.back().id, "overflow");
}

TEST(ModelCheckTest, WhatWorksButShouldBeKnownIsAWarning) {
  ScriptedRoom room;
  room.reason = FinishReason::kLength;
  room.shows_functions = false;
  const ModelReport report = Checked(room);
  EXPECT_EQ(Findings(report, Finding::kWarning), "functions stop");
  EXPECT_EQ(report.worst(), Finding::kWarning);
}

TEST(ModelCheckTest, JsonThatIsCutIsBad) {
  ScriptedRoom room;
  room.by_grammar = R"({"name":"x","cou)";
  EXPECT_EQ(Findings(Checked(room), Finding::kBad), "json");
}

TEST(ModelCheckTest, APromptThatIsCutIsBad) {
  ScriptedRoom room;
  room.cuts = true;
  EXPECT_EQ(Findings(Checked(room), Finding::kBad), "overflow");
}

TEST(ModelCheckTest, GreedyAnswersThatDifferAreAWarning) {
  ScriptedRoom room;
  room.different = 6;  // the second of the pair
  EXPECT_EQ(Findings(Checked(room), Finding::kWarning), "greedy");
}

TEST(ModelCheckTest, ARoomThatDiesEndsTheCheck) {
  ScriptedRoom room;
  room.refuse = [](const inference::Generate& request) -> Result<void> {
    return request.grammar.empty() ? Result<void>()
                                   : Fail(ErrorCode::kUnavailable, "the room died");
  };
  const Result<ModelReport> report = CheckChatModel(room, room.context);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, ErrorCode::kUnavailable);
}

TEST(ModelCheckTest, AnEmbedderThatTellsTextsApartIsGood) {
  ScriptedRoom room;
  const Result<ModelReport> report = CheckEmbeddingModel(room);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->worst(), Finding::kGood);
  EXPECT_GT(report->speed.texts_per_s, 0);
}

TEST(ModelCheckTest, AnEmbedderToWhichAllTextsAreAlikeIsBad) {
  ScriptedRoom room;
  room.alike = true;
  const Result<ModelReport> report = CheckEmbeddingModel(room);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(Findings(*report, Finding::kBad), "different");
}

TEST(ModelCheckTest, AnEmbedderOfWrongLengthIsBad) {
  ScriptedRoom room;
  room.length = 2;
  const Result<ModelReport> report = CheckEmbeddingModel(room);
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(Findings(*report, Finding::kBad), testing::HasSubstr("unit"));
}

}  // namespace
}  // namespace casemate::app
