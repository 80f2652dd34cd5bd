#include "inference/client/supervisor_room_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "ipc/supervision.h"

namespace casemate::inference {
namespace {

// A supervisor that starts rooms which answer counts of tokens, in this process.
class SupervisorRoomDirectoryTest : public testing::Test {
 protected:
  SupervisorRoomDirectoryTest() {
    auto ends = ipc::Channel::MakePair().value();
    ipc::Peer::Handlers handlers;
    handlers.request = [this](ipc::Incoming request) { StartRoom(std::move(request)); };
    supervisor_ =
        ipc::Peer::Start(ipc::Channel(std::move(ends.first), ipc::ProcessKind::kSupervisor,
                                      ipc::ProcessKind::kKeeper),
                         std::move(handlers), {});
    keeper_ = ipc::Peer::Start(ipc::Channel(std::move(ends.second), ipc::ProcessKind::kKeeper,
                                            ipc::ProcessKind::kSupervisor),
                               {}, {});
    directory_ = std::make_unique<SupervisorRoomDirectory>(*keeper_);
    directory_->SetModels({Model("answer", "aa"), Model("embed", "bb")});
  }

  static RoomModel Model(std::string name, std::string digest) {
    return {.name = std::move(name), .digest = std::move(digest), .task = "chat"};
  }

  void StartRoom(ipc::Incoming incoming) {
    Result<ipc::StartRoom> request = incoming.Decode<ipc::StartRoom>();
    ASSERT_TRUE(request.has_value());
    asked_.push_back(request->model + ":" + request->digest);
    if (refuse_) {
      incoming.Fail(Error{ErrorCode::kUnavailable, "no memory", {}, {}});
      return;
    }
    auto ends = ipc::Channel::MakePair().value();
    ipc::Peer::Handlers handlers;
    handlers.request = [](ipc::Incoming count) { count.Reply(CountTokensReply{.tokens = {7}}); };
    rooms_.push_back(ipc::Peer::Start(
        ipc::Channel(std::move(ends.first), ipc::ProcessKind::kRoom, ipc::ProcessKind::kKeeper),
        std::move(handlers), {}));
    std::vector<UniqueFd> fds;
    if (!forget_channel_) {
      fds.push_back(std::move(ends.second));
    }
    incoming.Reply(ipc::StartRoomReply{}, std::move(fds));
  }

  // That the room behind it answers.
  static void ExpectWorks(const Result<std::shared_ptr<RoomClient>>& room) {
    ASSERT_TRUE(room.has_value()) << room.error().message;
    auto counts = (*room)->CountTokens({PlaintextView()});
    ASSERT_TRUE(counts.has_value());
    EXPECT_EQ((*counts)[0], 7U);
  }

  std::vector<std::string> asked_;  // written while this thread waits for the reply
  bool refuse_ = false;
  bool forget_channel_ = false;
  std::vector<std::unique_ptr<ipc::Peer>> rooms_;
  std::unique_ptr<ipc::Peer> supervisor_;
  std::unique_ptr<ipc::Peer> keeper_;
  std::unique_ptr<SupervisorRoomDirectory> directory_;
};

TEST_F(SupervisorRoomDirectoryTest, TheFirstCallStartsARoomAndLaterOnesShareIt) {
  auto first = directory_->Room("answer");
  ExpectWorks(first);
  auto second = directory_->Room("answer");
  EXPECT_EQ(*first, *second);
  ExpectWorks(directory_->Room("embed"));
  EXPECT_THAT(asked_, testing::ElementsAre("answer:aa", "embed:bb"));
}

TEST_F(SupervisorRoomDirectoryTest, CallersAtTheSameTimeShareOneStart) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([this] { ExpectWorks(directory_->Room("answer")); });
    }
  }
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(SupervisorRoomDirectoryTest, AnUnknownModelIsNamedBesideThoseThereAre) {
  auto room = directory_->Room("gpt-4");
  ASSERT_FALSE(room.has_value());
  EXPECT_EQ(room.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(room.error().param, "model");
  EXPECT_EQ(room.error().message, "model 'gpt-4' does not exist; there are: answer, embed");
  EXPECT_TRUE(asked_.empty());
}

TEST_F(SupervisorRoomDirectoryTest, ARoomThatEndedIsReplaced) {
  auto first = directory_->Room("answer");
  ExpectWorks(first);
  rooms_.clear();
  for (int i = 0; i < 5000 && (*first)->CountTokens({}).has_value(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (int i = 0; i < 5000 && !asked_.empty() && asked_.size() < 2; ++i) {
    // The reader thread may see the end a little after the call failed.
    if (auto again = directory_->Room("answer"); again && *again != *first) {
      ExpectWorks(again);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(SupervisorRoomDirectoryTest, AChangedModelGetsANewRoomAndAGoneOneNone) {
  ExpectWorks(directory_->Room("answer"));
  ExpectWorks(directory_->Room("embed"));
  directory_->SetModels({Model("answer", "cc"), Model("embed", "bb")});
  ExpectWorks(directory_->Room("answer"));
  ExpectWorks(directory_->Room("embed"));
  EXPECT_THAT(asked_, testing::ElementsAre("answer:aa", "embed:bb", "answer:cc"));
  directory_->SetModels({Model("embed", "bb")});
  EXPECT_EQ(directory_->Room("answer").error().code, ErrorCode::kNotFound);
}

TEST_F(SupervisorRoomDirectoryTest, AFailedStartIsToldAndTriedAgain) {
  refuse_ = true;
  auto room = directory_->Room("answer");
  ASSERT_FALSE(room.has_value());
  EXPECT_EQ(room.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(room.error().message, testing::HasSubstr("model 'answer' cannot be started"));
  refuse_ = false;
  ExpectWorks(directory_->Room("answer"));
}

TEST_F(SupervisorRoomDirectoryTest, AReplyWithoutAChannelIsAnError) {
  forget_channel_ = true;
  EXPECT_EQ(directory_->Room("answer").error().code, ErrorCode::kIntegrityFailure);
}

}  // namespace
}  // namespace casemate::inference
