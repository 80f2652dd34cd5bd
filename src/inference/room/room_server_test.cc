#include "inference/room/room_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "inference/client/socket_room_client.h"
#include "inference/room/test_model.h"

namespace casemate::inference {
namespace {

constexpr std::string_view kAnswer = "gannet: a large heavily built seabird [1]";

Generate AskAboutGannet() {
  Generate request;
  request.messages.push_back(
      {.role = "system",
       .content = Plaintext::Copy(std::string_view(
           "Answer from the documents.\n[1] gannet: a large heavily built seabird"))});
  request.messages.push_back(
      {.role = "user", .content = Plaintext::Copy(std::string_view("What is gannet?"))});
  request.temperature = 0;
  request.max_tokens = 64;
  return request;
}

// A room and its keeper's client in one process, over a real channel.
class RoomServerTest : public testing::Test {
 protected:
  void StartRoom(bool chat) {
    if (chat) {
      Result<std::unique_ptr<Generator>> made =
          Generator::Start(ShippedModel(), {.sequences = 2, .threads = 1}, UniqueFd());
      ASSERT_TRUE(made.has_value());
      generator_ = std::move(*made);
    } else {
      Result<std::unique_ptr<Embedder>> made =
          Embedder::Create(ShippedModel(), {.threads = 1}, UniqueFd());
      ASSERT_TRUE(made.has_value());
      embedder_ = std::move(*made);
    }
    server_ =
        std::make_unique<RoomServer>("test", ShippedModel(), generator_.get(), embedder_.get());
    auto ends = ipc::Channel::MakePair();
    ASSERT_TRUE(ends.has_value());
    ipc::Peer::Handlers handlers;
    handlers.request = [this](ipc::Incoming request) { server_->Handle(std::move(request)); };
    room_ = ipc::Peer::Start(
        ipc::Channel(std::move(ends->first), ipc::ProcessKind::kRoom, ipc::ProcessKind::kKeeper),
        std::move(handlers), RoomServer::Options(2));
    client_ = std::make_unique<SocketRoomClient>(
        ipc::Channel(std::move(ends->second), ipc::ProcessKind::kKeeper, ipc::ProcessKind::kRoom),
        "test");
  }

  std::unique_ptr<Generator> generator_;
  std::unique_ptr<Embedder> embedder_;
  std::unique_ptr<RoomServer> server_;
  std::unique_ptr<ipc::Peer> room_;
  std::unique_ptr<SocketRoomClient> client_;
};

TEST_F(RoomServerTest, AnAnswerStreamsThroughTheChannel) {
  StartRoom(true);
  std::string text;
  std::uint32_t prompt_tokens = 0;
  Result<GenerateDone> done = client_->Generate(AskAboutGannet(),
                                                {.started =
                                                     [&](const GenerateStarted& started) {
                                                       prompt_tokens = started.prompt_tokens;
                                                       return true;
                                                     },
                                                 .text =
                                                     [&](const GenerateText& piece) {
                                                       text += piece.text.view().Reveal();
                                                       return true;
                                                     }},
                                                {});
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(text, kAnswer);
  EXPECT_EQ(done->prompt_tokens, prompt_tokens);
  EXPECT_EQ(done->reason, FinishReason::kStop);
}

TEST_F(RoomServerTest, ASinkThatSaysNoGivesCancelled) {
  StartRoom(true);
  Result<GenerateDone> done = client_->Generate(
      AskAboutGannet(), {.started = {}, .text = [](const GenerateText&) { return false; }}, {});
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::kCancelled);
  generator_->WaitUntilIdle();
}

TEST_F(RoomServerTest, CancelledFromOutsideGivesCancelled) {
  StartRoom(true);
  std::atomic<bool> cancelled = false;
  Result<GenerateDone> done =
      client_->Generate(AskAboutGannet(),
                        {.started = {},
                         .text =
                             [&](const GenerateText&) {
                               cancelled = true;
                               std::this_thread::sleep_for(std::chrono::milliseconds(50));
                               return true;
                             }},
                        [&] { return cancelled.load(); });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::kCancelled);
  generator_->WaitUntilIdle();
}

TEST_F(RoomServerTest, ErrorsOfTheRoomArrive) {
  StartRoom(true);
  Generate request = AskAboutGannet();
  request.temperature = 3;
  Result<GenerateDone> done = client_->Generate(request, {}, {});
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::kInvalidArgument);
  Embed embed;
  embed.texts.push_back(Plaintext::Copy(std::string_view("x")));
  Result<EmbedReply> refused = client_->Embed(embed);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, testing::HasSubstr("makes no embeddings"));
}

TEST_F(RoomServerTest, EmbeddingsAndCountsArrive) {
  StartRoom(false);
  Embed embed;
  embed.texts.push_back(Plaintext::Copy(std::string_view("a seabird")));
  Result<EmbedReply> reply = client_->Embed(embed);
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  EXPECT_EQ(reply->dimensions, 256U);
  auto counts =
      client_->CountTokens({PlaintextView::Of(std::string_view("a seabird")), PlaintextView()});
  ASSERT_TRUE(counts.has_value());
  EXPECT_EQ((*counts)[0], reply->tokens);
  EXPECT_EQ((*counts)[1], 0U);
  Result<GenerateDone> done = client_->Generate(AskAboutGannet(), {}, {});
  EXPECT_THAT(done.error().message, testing::HasSubstr("does not chat"));
}

TEST_F(RoomServerTest, RanksArrive) {
  StartRoom(false);
  Rank request;
  request.query = Plaintext::Copy(std::string_view("a seabird"));
  request.documents.push_back(Plaintext::Copy(std::string_view("a large seabird")));
  request.documents.push_back(Plaintext::Copy(std::string_view("the size of an integer")));
  Result<RankReply> reply = client_->Rank(request);
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  ASSERT_EQ(reply->scores.size(), 2U);
  EXPECT_GT(reply->scores[0], reply->scores[1]);
  request.documents.clear();
  EXPECT_EQ(client_->Rank(request).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(RoomServerTest, AnEndedRoomIsUnavailableAndNotAlive) {
  StartRoom(true);
  EXPECT_TRUE(client_->alive());
  room_.reset();
  Result<GenerateDone> done = client_->Generate(AskAboutGannet(), {}, {});
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::kUnavailable);
  // The send may fail before the reader thread has seen the end: that follows at once.
  for (int i = 0; i < 5000 && client_->alive(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_FALSE(client_->alive());
}

}  // namespace
}  // namespace casemate::inference
