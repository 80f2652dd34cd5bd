#include "ipc/peer.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "inference/messages.h"
#include "ipc/control.h"

namespace casemate::ipc {
namespace {

using inference::CountTokens;
using inference::CountTokensReply;
using inference::Embed;
using inference::EmbedReply;
using inference::Generate;
using inference::GenerateDone;
using inference::GenerateText;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr int kWaitMs = 20'000;
constexpr std::chrono::seconds kPatience = 60s;

CountTokens Question(std::string_view text = "q") {
  CountTokens question;
  question.texts.push_back(Plaintext::Copy(text));
  return question;
}

CountTokensReply Answer(std::uint32_t number) {
  CountTokensReply answer;
  answer.tokens.push_back(number);
  return answer;
}

GenerateText Piece(std::uint32_t number) {
  GenerateText piece;
  piece.tokens = number;
  return piece;
}

// A keeper that asks and a room that answers.
class PeerTest : public ::testing::Test {
 protected:
  PeerTest() {
    std::pair<UniqueFd, UniqueFd> ends = Channel::MakePair().value();
    keeper_end_.emplace(std::move(ends.first), ProcessKind::kKeeper, ProcessKind::kRoom);
    room_end_.emplace(std::move(ends.second), ProcessKind::kRoom, ProcessKind::kKeeper);
  }

  void StartKeeper(PeerOptions options = {}, Peer::ClosedHandler closed = {}) {
    keeper_ = Peer::Start(std::move(*keeper_end_), {.closed = std::move(closed)}, options);
  }
  void StartRoom(Peer::Handler handler, PeerOptions options = {}) {
    room_ = Peer::Start(std::move(*room_end_), {.request = std::move(handler)}, options);
  }

  std::optional<Channel> keeper_end_;
  std::optional<Channel> room_end_;
  std::unique_ptr<Peer> keeper_;
  std::unique_ptr<Peer> room_;
};

TEST_F(PeerTest, ACallGetsItsAnswer) {
  StartRoom([](Incoming request) {
    Result<CountTokens> question = request.Decode<CountTokens>();
    ASSERT_TRUE(question.has_value());
    EXPECT_EQ(request.type(), MessageType::kCountTokens);
    request.Reply(Answer(static_cast<std::uint32_t>(question->texts.at(0).size())));
  });
  StartKeeper();
  Result<CountTokensReply> answer = keeper_->Call<CountTokensReply>(Question("four"), kPatience);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->tokens, std::vector<std::uint32_t>{4});
}

TEST_F(PeerTest, EightThreadsGetTheirOwnAnswersAtOnce) {
  StartRoom([](Incoming request) {
    const CountTokens question = request.Decode<CountTokens>().value();
    request.Reply(Answer(static_cast<std::uint32_t>(question.texts.at(0).size())));
  });
  StartKeeper();
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (std::size_t t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < 50; ++i) {
          // Some inline, some by descriptor.
          const std::size_t size = t * 1000 + i + (i % 10 == 9 ? kMaxInline : 0);
          Result<CountTokensReply> answer =
              keeper_->Call<CountTokensReply>(Question(std::string(size, 'x')), kPatience);
          right += answer.has_value() && answer->tokens.at(0) == size ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(right, 400);
}

TEST_F(PeerTest, BothEndsMayAsk) {
  std::pair<UniqueFd, UniqueFd> ends = Channel::MakePair().value();
  const auto answer = [](Incoming request) { request.Reply(Answer(1)); };
  // Keeper and room again, but the room's question is one the matrix has no row for.
  std::unique_ptr<Peer> room =
      Peer::Start(Channel(std::move(ends.first), ProcessKind::kRoom, ProcessKind::kKeeper),
                  {.request = answer});
  std::unique_ptr<Peer> keeper =
      Peer::Start(Channel(std::move(ends.second), ProcessKind::kKeeper, ProcessKind::kRoom),
                  {.request = answer});
  EXPECT_TRUE(keeper->Call<CountTokensReply>(Question(), kPatience).has_value());
  EXPECT_EQ(room->Call<CountTokensReply>(Question(), kPatience).error().code,
            ErrorCode::kPermissionDenied);
}

TEST_F(PeerTest, AFailureComesWithAllItsFields) {
  StartRoom([](Incoming request) {
    request.Fail(Error{ErrorCode::kTooLarge, "message", "param", "detail"});
  });
  StartKeeper();
  const Error error = keeper_->Call<CountTokensReply>(Question(), kPatience).error();
  EXPECT_EQ(error.code, ErrorCode::kTooLarge);
  EXPECT_EQ(error.message, "message");
  EXPECT_EQ(error.param, "param");
  EXPECT_EQ(error.detail, "detail");
}

TEST_F(PeerTest, ARequestThatIsDroppedFails) {
  StartRoom([](Incoming) {});
  StartKeeper();
  EXPECT_EQ(keeper_->Call<CountTokensReply>(Question(), kPatience).error().code,
            ErrorCode::kUnavailable);
}

TEST_F(PeerTest, AnAnswerOfAnotherTypeIsAnError) {
  StartRoom([](Incoming request) { request.Reply(EmbedReply{}); });
  StartKeeper();
  EXPECT_EQ(keeper_->Call<CountTokensReply>(Question(), kPatience).error().code,
            ErrorCode::kIntegrityFailure);
}

TEST_F(PeerTest, AnAnswerThatMayNotBeSentFailsInsteadOfStalling) {
  StartRoom([](Incoming request) { request.Reply(CountTokens{}); });
  StartKeeper();
  EXPECT_EQ(keeper_->Call<CountTokensReply>(Question(), kPatience).error().code,
            ErrorCode::kPermissionDenied);
}

TEST_F(PeerTest, DescriptorsTravelWithRequestsAndAnswers) {
  StartRoom([](Incoming request) {
    ASSERT_EQ(request.fds().size(), 1U);
    std::array<char, 3> content{};
    EXPECT_EQ(::pread(request.fds()[0].get(), content.data(), 3, 0), 3);
    EXPECT_EQ(std::string_view(content.data(), 3), "fd1");
    request.Reply(Answer(1), std::move(request.fds()));
  });
  StartKeeper();
  std::vector<UniqueFd> fds;
  fds.emplace_back(::memfd_create("t", MFD_CLOEXEC));
  ASSERT_EQ(::pwrite(fds[0].get(), "fd1", 3, 0), 3);
  std::vector<UniqueFd> answered;
  ASSERT_TRUE(keeper_->Call<CountTokensReply>(Question(), kPatience, std::move(fds), &answered)
                  .has_value());
  ASSERT_EQ(answered.size(), 1U);
}

TEST_F(PeerTest, AStreamComesInOrderAndEnds) {
  StartRoom([](Incoming request) {
    for (std::uint32_t i = 0; i < 1000; ++i) {
      ASSERT_TRUE(request.Stream(Piece(i)).has_value());
    }
    request.Reply(GenerateDone{});
  });
  StartKeeper();
  Outgoing stream = keeper_->Open(Generate{}, kPatience).value();
  for (std::uint32_t i = 0; i < 1000; ++i) {
    Result<Frame> frame = stream.Next();
    ASSERT_TRUE(frame.has_value()) << frame.error().message;
    ASSERT_EQ(frame->type, MessageType::kGenerateText);
    EXPECT_EQ(Decode<GenerateText>(frame->payload)->tokens, i);
    EXPECT_FALSE(frame->last);
  }
  EXPECT_EQ(stream.Next()->type, MessageType::kGenerateDone);
  EXPECT_EQ(stream.Next().error().code, ErrorCode::kInvalidArgument);
}

TEST_F(PeerTest, AStreamWaitsForCredit) {
  std::atomic<std::uint32_t> sent = 0;
  StartRoom([&](Incoming request) {
    for (std::uint32_t i = 0; i < 100 && request.Stream(Piece(i)); ++i) {
      ++sent;
    }
    request.Reply(GenerateDone{});
  });
  StartKeeper({.stream_credit = 4});
  Outgoing stream = keeper_->Open(Generate{}, 0ms).value();
  // One is taken, which is less than half a window: no more than 4 can have been sent.
  ASSERT_TRUE(stream.Next().has_value());
  EXPECT_LE(sent.load(), 4U);
  int taken = 1;
  for (Result<Frame> frame = stream.Next(); frame && !frame->last; frame = stream.Next()) {
    ++taken;
  }
  EXPECT_EQ(taken, 100);
  room_.reset();
}

TEST_F(PeerTest, CancelReachesTheHandler) {
  std::latch cancelled(1);
  std::promise<ErrorCode> streamed;
  StartRoom([&](Incoming request) {
    request.OnCancel([&] { cancelled.count_down(); });
    EXPECT_TRUE(request.Stream(Piece(0)).has_value());
    Result<void> sent;
    while (sent) {
      sent = request.Stream(Piece(1));
    }
    EXPECT_TRUE(request.cancelled());
    std::latch at_once(1);
    request.OnCancel([&] { at_once.count_down(); });
    at_once.wait();
    streamed.set_value(sent.error().code);
  });
  StartKeeper();
  Outgoing stream = keeper_->Open(Generate{}, 0ms).value();
  ASSERT_TRUE(stream.Next().has_value());
  stream.Cancel();
  EXPECT_EQ(stream.Next().error().code, ErrorCode::kCancelled);
  cancelled.wait();
  EXPECT_EQ(streamed.get_future().get(), ErrorCode::kCancelled);
  room_.reset();
}

TEST_F(PeerTest, DroppingAStreamCancelsIt) {
  std::latch cancelled(1);
  StartRoom([&](Incoming request) {
    request.OnCancel([&] { cancelled.count_down(); });
    EXPECT_TRUE(request.Stream(Piece(0)).has_value());
    cancelled.wait();
  });
  StartKeeper();
  {
    Outgoing stream = keeper_->Open(Generate{}, 0ms).value();
    ASSERT_TRUE(stream.Next().has_value());  // its handler runs
  }
  cancelled.wait();
  room_.reset();
}

TEST_F(PeerTest, ADeadlineEndsBothSides) {
  std::latch cancelled(1);
  StartRoom([&](Incoming request) {
    request.OnCancel([&] { cancelled.count_down(); });
    cancelled.wait();
    request.Reply(Answer(1));  // too late: dropped
  });
  StartKeeper();
  EXPECT_EQ(keeper_->Call<CountTokensReply>(Question(), 500ms).error().code,
            ErrorCode::kDeadlineExceeded);
  cancelled.wait();
  room_.reset();
}

// The reader of the room enforces the deadline itself: here nobody ever cancels.
TEST_F(PeerTest, ADeadlineInTheRequestIsKeptWithoutTheAsker) {
  std::latch cancelled(1);
  StartRoom([&](Incoming request) {
    request.OnCancel([&] { cancelled.count_down(); });
    cancelled.wait();
  });
  ASSERT_TRUE(
      keeper_end_
          ->Send(Frame{.type = MessageType::kCountTokens,
                       .request = 1,
                       .payload = Plaintext::Copy(std::string_view("\0\0\1\xf4\0\0\0\0", 8)),
                       .fds = {}},
                 kWaitMs)
          .has_value());
  cancelled.wait();
  room_.reset();
}

TEST_F(PeerTest, TheDeathOfAPeerFailsEveryOpenCall) {
  StartKeeper();
  std::vector<std::future<ErrorCode>> calls;
  calls.reserve(4);
  for (int i = 0; i < 4; ++i) {
    calls.push_back(std::async(std::launch::async, [&] {
      return keeper_->Call<CountTokensReply>(Question(), 0ms).error().code;
    }));
  }
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(room_end_->Receive(kWaitMs).has_value());
  }
  room_end_.reset();
  for (std::future<ErrorCode>& call : calls) {
    EXPECT_EQ(call.get(), ErrorCode::kUnavailable);
  }
  EXPECT_EQ(keeper_->Call<CountTokensReply>(Question(), 0ms).error().code, ErrorCode::kUnavailable);
}

TEST_F(PeerTest, TheDeathOfTheAskerCancelsWhatItAsked) {
  std::latch begun(1);
  std::latch cancelled(1);
  StartRoom([&](Incoming request) {
    request.OnCancel([&] { cancelled.count_down(); });
    begun.count_down();
    cancelled.wait();
    EXPECT_EQ(request.Stream(Piece(0)).error().code, ErrorCode::kUnavailable);
  });
  StartKeeper();
  Result<Outgoing> stream = keeper_->Open(Generate{}, 0ms);
  begun.wait();
  keeper_.reset();
  cancelled.wait();
  room_.reset();
}

TEST_F(PeerTest, ClosedIsToldOnceAndMayDestroyThePeer) {
  std::promise<ErrorCode> told;
  std::latch started(1);  // TSan does not see that the end of the room comes after the start
  StartKeeper({}, [&](const Error& error) {
    started.wait();
    keeper_.reset();
    told.set_value(error.code);
  });
  started.count_down();
  room_end_.reset();
  EXPECT_EQ(told.get_future().get(), ErrorCode::kUnavailable);
}

TEST_F(PeerTest, NoticesArriveInOrder) {
  std::vector<std::uint32_t> got;
  std::promise<void> done;
  keeper_ = Peer::Start(std::move(*keeper_end_), {.notice = [&](Frame frame) {
                          got.push_back(Decode<GenerateText>(frame.payload)->tokens);
                          if (got.size() == 500) {
                            done.set_value();
                          }
                        }});
  StartRoom({});
  for (std::uint32_t i = 0; i < 500; ++i) {
    ASSERT_TRUE(room_->Notify(Piece(i)).has_value());
  }
  done.get_future().get();
  for (std::uint32_t i = 0; i < 500; ++i) {
    EXPECT_EQ(got[i], i);
  }
  keeper_.reset();
}

TEST_F(PeerTest, AnswersGivenBeforeTheEndReachTheAsker) {
  StartKeeper();
  StartRoom([](Incoming request) { request.Reply(Answer(9)); });
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(keeper_->Call<CountTokensReply>(Question(), kPatience).has_value());
  }
  ASSERT_TRUE(room_->Notify(Piece(1)).has_value());
  room_.reset();
  EXPECT_EQ(keeper_->Call<CountTokensReply>(Question(), kPatience).error().code,
            ErrorCode::kUnavailable);
}

TEST_F(PeerTest, MoreRequestsThanMayWaitAreRefused) {
  std::latch begun(1);
  std::latch release(1);
  StartRoom(
      [&, first = true](Incoming request) mutable {  // one worker: no race for `first`
        if (std::exchange(first, false)) {
          begun.count_down();
        }
        release.wait();
        request.Reply(Answer(1));
      },
      {.workers = 1, .max_queued = 2});
  StartKeeper();
  std::vector<Outgoing> open;
  open.push_back(keeper_->Open(Question(), kPatience).value());
  begun.wait();
  for (int i = 1; i < 20; ++i) {
    open.push_back(keeper_->Open(Question(), kPatience).value());
  }
  for (std::size_t i = 3; i < open.size(); ++i) {  // one runs, two wait
    EXPECT_EQ(open[i].Next().error().code, ErrorCode::kResourceExhausted) << i;
  }
  release.count_down();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(open[i].Next().has_value()) << i;
  }
  room_.reset();
}

TEST_F(PeerTest, WaitingOnTheReaderThreadIsRefusedInsteadOfStalling) {
  std::promise<ErrorCode> code;
  keeper_ =
      Peer::Start(std::move(*keeper_end_), {.notice = [&](Frame) {
                    code.set_value(keeper_->Call<CountTokensReply>(Question(), 0ms).error().code);
                  }});
  StartRoom({});
  ASSERT_TRUE(room_->Notify(Piece(1)).has_value());
  EXPECT_EQ(code.get_future().get(), ErrorCode::kInvalidArgument);
}

// A hostile room speaks raw frames to a real keeper; each of these must cut it off.
class HostileRoomTest : public PeerTest {
 protected:
  HostileRoomTest() {
    StartKeeper({.stream_credit = 4, .max_held_bytes = 100'000},
                [this](const Error& error) { closed_.set_value(error.code); });
  }
  void Say(MessageType type, std::uint64_t id, Plaintext payload, bool last = false) {
    ASSERT_TRUE(room_end_
                    ->Send(Frame{.type = type,
                                 .request = id,
                                 .payload = std::move(payload),
                                 .fds = {},
                                 .last = last},
                           kWaitMs)
                    .has_value());
  }
  void ExpectCutOff() { EXPECT_EQ(closed_.get_future().get(), ErrorCode::kIntegrityFailure); }

  std::promise<ErrorCode> closed_;
};

TEST_F(HostileRoomTest, MoreOfAStreamThanItsCreditCutsItOff) {
  Outgoing stream = keeper_->Open(Generate{}, 0ms).value();
  for (std::uint32_t i = 0; i < 5; ++i) {
    Say(MessageType::kGenerateText, 1, Encode(Piece(i)));
  }
  ExpectCutOff();
}

TEST_F(HostileRoomTest, AStreamInAnswerToACallCutsItOff) {
  std::future<ErrorCode> call = std::async(std::launch::async, [&] {
    return keeper_->Call<CountTokensReply>(Question(), 0ms).error().code;
  });
  ASSERT_TRUE(room_end_->Receive(kWaitMs).has_value());
  Say(MessageType::kCountTokensReply, 1, Encode(Answer(1)), /*last=*/false);
  ExpectCutOff();
  EXPECT_EQ(call.get(), ErrorCode::kUnavailable);
}

TEST_F(HostileRoomTest, MoreBytesThanMayBeHeldCutItOff) {
  Outgoing stream = keeper_->Open(Generate{}, 0ms).value();
  for (int i = 0; i < 2; ++i) {
    GenerateText piece;
    piece.text = Plaintext::Zeroed(60'000);
    Say(MessageType::kGenerateText, 1, Encode(piece));
  }
  ExpectCutOff();
}

TEST_F(HostileRoomTest, CancellingARequestOfTheKeeperCutsItOff) {
  Say(MessageType::kCancel, 1, Plaintext());
  ExpectCutOff();
}

TEST_F(HostileRoomTest, CreditForNoRequestCutsItOff) {
  Say(MessageType::kCredit, 0, Encode(Credit{1}));
  ExpectCutOff();
}

TEST_F(HostileRoomTest, AnErrorForItsOwnRequestCutsItOff) {
  Say(MessageType::kError, 2, Encode(Failure{}));
  ExpectCutOff();
}

TEST_F(HostileRoomTest, AnErrorThatIsNoneCutsItOff) {
  Outgoing stream = keeper_->Open(Generate{}, 0ms).value();
  Say(MessageType::kError, 1, Plaintext());
  ExpectCutOff();
}

TEST_F(HostileRoomTest, ARequestWithoutADeadlineCutsItOff) {
  Say(MessageType::kEmbedReply, 2, Plaintext());
  ExpectCutOff();
}

TEST_F(HostileRoomTest, UnknownIdsAreIgnored) {
  Say(MessageType::kEmbedReply, 99, Encode(EmbedReply{}), true);
  Say(MessageType::kCredit, 2, Encode(Credit{1}));
  Say(MessageType::kCancel, 2, Plaintext());
  Outgoing stream = keeper_->Open(Question(), 0ms).value();
  Say(MessageType::kCountTokensReply, 1, Encode(Answer(5)), true);
  EXPECT_TRUE(stream.Next().has_value());
}

TEST_F(HostileRoomTest, ARequestWhereNoneIsTakenIsRefused) {
  Say(MessageType::kEmbedReply, 2, Plaintext::Zeroed(4));
  Result<Frame> refusal = room_end_->Receive(kWaitMs);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->request, 2U);
  EXPECT_EQ(Decode<Failure>(refusal->payload)->code, ErrorCode::kPermissionDenied);
}

TEST_F(HostileRoomTest, SendingWithoutReadingRefusalsCutsItOff) {
  for (;;) {
    Result<void> sent = room_end_->Send(Frame{.type = MessageType::kEmbedReply,
                                              .request = 2,
                                              .payload = Plaintext::Zeroed(4),
                                              .fds = {}},
                                        kWaitMs);
    if (!sent) {
      EXPECT_EQ(sent.error().code, ErrorCode::kUnavailable) << sent.error().message;
      break;
    }
  }
  EXPECT_EQ(closed_.get_future().get(), ErrorCode::kUnavailable);
}

TEST_F(PeerTest, TwoRequestsWithOneIdCutTheAskerOff) {
  std::latch release(1);
  std::promise<ErrorCode> closed;
  room_ = Peer::Start(std::move(*room_end_),
                      {.request = [&](Incoming) { release.wait(); },
                       .closed = [&](const Error& error) { closed.set_value(error.code); }});
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(keeper_end_
                    ->Send(Frame{.type = MessageType::kCountTokens,
                                 .request = 1,
                                 .payload = Plaintext::Zeroed(8),
                                 .fds = {}},
                           kWaitMs)
                    .has_value());
  }
  EXPECT_EQ(closed.get_future().get(), ErrorCode::kIntegrityFailure);
  release.count_down();
  room_.reset();
}

// Both ends send more than their sockets take, and neither reads anything but with its reader.
TEST_F(PeerTest, TwoPeersThatBothSendMuchDoNotStall) {
  StartRoom(
      [](Incoming request) {
        EmbedReply reply;
        reply.vectors = Plaintext::Zeroed(kMaxInline - 100);
        request.Reply(reply);
      },
      {.workers = 8});
  StartKeeper();
  std::atomic<int> answered = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) {
          Embed embed;
          embed.texts.push_back(Plaintext::Zeroed(kMaxInline - 100));
          answered += keeper_->Call<EmbedReply>(embed, kPatience).has_value() ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(answered, 800);
}

}  // namespace
}  // namespace casemate::ipc
