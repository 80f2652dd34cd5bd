#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <random>
#include <string>

#include "app/child_under_test.h"
#include "base/file.h"
#include "inference/client/socket_room_client.h"
#include "ipc/control.h"

// Drives casemate-room as supervisor and keeper do.
namespace casemate {
namespace {

const Bytes& Model() {
  static const Bytes bytes =
      *ReadFile(std::string(CASEMATE_SOURCE_DIR) + "/models/casemate-answer-q8_0.gguf",
                std::size_t{64} << 20);
  return bytes;
}

UniqueFd Sealed(ByteView content) {
  UniqueFd file(::memfd_create("model", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_TRUE(WriteAll(file.get(), content).has_value());
  EXPECT_EQ(
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
      0);
  return file;
}

inference::Generate Question() {
  inference::Generate request;
  request.messages.push_back(
      {.role = "system",
       .content = Plaintext::Copy(std::string_view(
           "Answer from the documents.\n[1] gannet: a large heavily built seabird"))});
  request.messages.push_back(
      {.role = "user", .content = Plaintext::Copy(std::string_view("What is gannet?"))});
  request.temperature = 0;
  request.max_tokens = 40;
  return request;
}

struct Room {
  ChildUnderTest child{"casemate-room"};
  std::unique_ptr<inference::SocketRoomClient> client;
  Result<ipc::Frame> first = Fail(ErrorCode::kUnavailable, "not started");
};

void Start(Room& room, ByteView model, const std::string& task = "chat") {
  auto ends = ipc::Channel::MakePair();
  ASSERT_TRUE(ends.has_value());
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(ends->first));
  fds.push_back(Sealed(model));
  fds.emplace_back(::memfd_create("permit", MFD_CLOEXEC));
  room.first = room.child.Start(
      ipc::ProcessKind::kRoom,
      ipc::SetupRoom{
          .model = "test", .task = task, .context_tokens = 320, .sequences = 2, .threads = 0},
      std::move(fds));
  room.client = std::make_unique<inference::SocketRoomClient>(
      ipc::Channel(std::move(ends->second), ipc::ProcessKind::kKeeper, ipc::ProcessKind::kRoom),
      "test");
}

Result<std::string> Ask(Room& room) {
  std::string text;
  Result<inference::GenerateDone> done =
      room.client->Generate(Question(),
                            {.started = {},
                             .text =
                                 [&](const inference::GenerateText& piece) {
                                   text += piece.text.view().Reveal();
                                   return true;
                                 }},
                            {});
  if (!done) {
    return std::unexpected(done.error());
  }
  return text;
}

TEST(RoomProcessTest, LoadsAnswersAndStops) {
  Room room;
  Start(room, Model());
  ASSERT_TRUE(room.first.has_value()) << room.first.error().message;
  ASSERT_EQ(room.first->type, ipc::MessageType::kReady);
  Result<std::string> answer = Ask(room);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_THAT(*answer, testing::HasSubstr("a large heavily built seabird"));
  EXPECT_THAT(*answer, testing::HasSubstr("[1]"));
  ASSERT_TRUE(room.child.Stop().has_value());
  const int status = room.child.Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(RoomProcessTest, EmbedsInARoomOfItsOwn) {
  Room room;
  Start(room, Model(), "embedding");
  ASSERT_TRUE(room.first.has_value());
  ASSERT_EQ(room.first->type, ipc::MessageType::kReady);
  inference::Embed request;
  for (int i = 0; i < 40; ++i) {
    request.texts.push_back(Plaintext::Copy("text number " + std::to_string(i)));
  }
  Result<inference::EmbedReply> reply = room.client->Embed(request);
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  EXPECT_EQ(reply->vectors.size(), 40 * 256 * sizeof(float));
}

TEST(RoomProcessTest, EndsWithItsKeeper) {
  Room room;
  Start(room, Model());
  ASSERT_TRUE(room.first.has_value());
  room.client.reset();
  const int status = room.child.Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(RoomProcessTest, AKilledRoomIsUnavailableToItsKeeper) {
  Room room;
  Start(room, Model());
  ASSERT_TRUE(room.first.has_value());
  ::kill(room.child.pid(), SIGKILL);
  Result<std::string> answer = Ask(room);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

TEST(RoomProcessTest, AnUnknownTaskIsReported) {
  Room room;
  Start(room, Model(), "paint");
  ASSERT_TRUE(room.first.has_value());
  EXPECT_EQ(room.first->type, ipc::MessageType::kError);
}

// Whatever the file: an error, or the end of the room, or answers; never silence.
void ExpectAnOutcome(ByteView model) {
  Room room;
  Start(room, model);
  if (room.first && room.first->type == ipc::MessageType::kReady) {
    (void)Ask(room);  // ends, with an answer or an error
    return;
  }
  if (room.first) {
    EXPECT_EQ(room.first->type, ipc::MessageType::kError);
  } else {
    EXPECT_EQ(room.first.error().code, ErrorCode::kUnavailable) << room.first.error().message;
  }
}

TEST(RoomProcessTest, TruncatedModelsAreReported) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{24}, std::size_t{5000},
                                 std::size_t{200'000}, Model().size() / 2, Model().size() - 1}) {
    Room room;
    Start(room, ByteView(Model()).first(size));
    ASSERT_TRUE(room.first.has_value()) << size;
    ASSERT_EQ(room.first->type, ipc::MessageType::kError);
    Result<ipc::Failure> failure = ipc::Decode<ipc::Failure>(room.first->payload);
    ASSERT_TRUE(failure.has_value());
    EXPECT_THAT(failure->message, testing::HasSubstr("model file"));
  }
}

TEST(RoomProcessTest, FlippedBitsHaveAnOutcome) {
  std::mt19937 random(20261122);  // fixed: the same flips in every run
  for (int i = 0; i < 24; ++i) {
    Bytes damaged = Model();
    // Half of them in the keys and shapes at the beginning and end of the metadata.
    const std::size_t limit = i % 2 == 0 ? 1200 : damaged.size();
    damaged[random() % limit] ^= std::byte{1} << (random() % 8);
    ExpectAnOutcome(damaged);
  }
}

}  // namespace
}  // namespace casemate
