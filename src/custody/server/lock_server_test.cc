#include "custody/server/lock_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "custody/messages.h"
#include "ipc/peer.h"

namespace casemate::custody {
namespace {

using ipc::ProcessKind;
constexpr std::chrono::seconds kPatience{20};

// A lock server on a thread of its own; its supervisor, its front and an operator are here.
class LockServerTest : public ::testing::Test {
 protected:
  LockServerTest() {
    auto supervisor = ipc::Channel::MakePair().value();
    auto front = ipc::Channel::MakePair().value();
    control_ = UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un any{};
    any.sun_family =
        AF_UNIX;  // an address of its own in the abstract namespace (unix(7), autobind)
    EXPECT_EQ(::bind(control_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t)),
              0);
    EXPECT_EQ(::listen(control_.get(), 4), 0);
    size_ = sizeof(address_);
    EXPECT_EQ(::getsockname(control_.get(), reinterpret_cast<sockaddr*>(&address_), &size_), 0);
    front_.emplace(std::move(front.second), ProcessKind::kFront, ProcessKind::kCustodian);
    supervisor_ = ipc::Peer::Start(ipc::Channel(std::move(supervisor.second),
                                                ProcessKind::kSupervisor, ProcessKind::kCustodian),
                                   {.request = [](ipc::Incoming) {},
                                    .notice = [](ipc::Frame) {},
                                    .closed = [](const Error&) {}});
    thread_ = std::thread(
        [this, end = std::move(supervisor.first), front_end = std::move(front.first)]() mutable {
          ipc::Channel channel(std::move(end), ProcessKind::kCustodian, ProcessKind::kSupervisor);
          LockServer lock(
              ipc::SetupCustodian{.pin_source = "passphrase"},
              ipc::Channel(std::move(front_end), ProcessKind::kCustodian, ProcessKind::kFront),
              std::move(control_), [this](const ipc::SetupCustodian&, SecretBuffer secret) {
                ++tries_;
                const std::string_view text = AsText(secret.RevealBytes());
                return text == "right" ? Result<ReadyToken>(ReadyToken{nullptr, "test"})
                                       : Fail(ErrorCode::kUnauthenticated, "wrong");
              });
          unlocked_ = lock.Wait(channel).value_or(false);
          lease_ = lock.setup().lease_ms;
        });
  }
  ~LockServerTest() override {
    supervisor_.reset();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  std::unique_ptr<ipc::Peer> Operator() {
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address_), size_), 0);
    return ipc::Peer::Start(
        ipc::Channel(std::move(socket), ProcessKind::kOperator, ProcessKind::kCustodian),
        {.request = [](ipc::Incoming) {},
         .notice = [](ipc::Frame) {},
         .closed = [](const Error&) {}});
  }
  static Result<UnlockReply> Try(ipc::Peer& peer, std::string_view secret) {
    Unlock unlock;
    unlock.secret.Append(PlaintextView::Of(secret));
    return peer.Call<UnlockReply>(unlock, kPatience);
  }
  void Join() { thread_.join(); }

  UniqueFd control_;
  sockaddr_un address_{};
  socklen_t size_ = 0;
  std::optional<ipc::Channel> front_;
  std::unique_ptr<ipc::Peer> supervisor_;
  std::thread thread_;
  std::atomic<int> tries_ = 0;
  bool unlocked_ = false;
  std::uint32_t lease_ = 0;
};

TEST_F(LockServerTest, TheFrontIsToldAtOnce) {
  Result<ipc::Frame> frame = front_->Receive(20'000);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->type, LockState::kType);
}

TEST_F(LockServerTest, TheRightPassphraseUnlocks) {
  const auto peer = Operator();
  EXPECT_TRUE(Try(*peer, "right").has_value());
  Join();
  EXPECT_TRUE(unlocked_);
}

TEST_F(LockServerTest, AWrongOneIsRefusedAndTheNextIsNotLookedAtForAWhile) {
  const auto peer = Operator();
  EXPECT_EQ(Try(*peer, "wrong").error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(Try(*peer, "right").error().code, ErrorCode::kRateLimited);
  EXPECT_EQ(tries_, 1);
  // Another connection waits just as long.
  EXPECT_EQ(Try(*Operator(), "right").error().code, ErrorCode::kRateLimited);
  std::this_thread::sleep_for(LockServer::kFirstDelay + std::chrono::milliseconds(50));
  EXPECT_TRUE(Try(*peer, "right").has_value());
}

TEST_F(LockServerTest, AnEmptyOrLongSecretIsRefusedWithoutATry) {
  const auto peer = Operator();
  EXPECT_EQ(Try(*peer, "").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Try(*peer, std::string(1025, 'x')).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(tries_, 0);
}

TEST_F(LockServerTest, AnythingElseIsRefusedWithTheRemedy) {
  const auto peer = Operator();
  Result<StatusReply> status = peer->Call<StatusReply>(StatusRequest{}, kPatience);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(status.error().message.contains("casemate unlock")) << status.error().message;
  EXPECT_EQ(supervisor_->Call<ipc::AttachKeeperReply>(ipc::AttachKeeper{}, kPatience).error().code,
            ErrorCode::kUnavailable);
}

TEST_F(LockServerTest, AFrontThatIsStartedAnewIsToldAsWell) {
  auto pair = ipc::Channel::MakePair().value();
  ipc::Channel front(std::move(pair.second), ProcessKind::kFront, ProcessKind::kCustodian);
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(pair.first));
  EXPECT_TRUE(
      supervisor_->Call<ipc::AttachFrontReply>(ipc::AttachFront{}, kPatience, std::move(fds))
          .has_value());
  Result<ipc::Frame> frame = front.Receive(20'000);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->type, LockState::kType);
}

TEST_F(LockServerTest, TheSupervisorsStopEndsTheWait) {
  ASSERT_TRUE(supervisor_->Notify(ipc::Settings{.lease_ms = 1234}).has_value());
  ASSERT_TRUE(supervisor_->Notify(ipc::Stop{}).has_value());
  Join();
  EXPECT_FALSE(unlocked_);
  EXPECT_EQ(lease_, 1234U);
}

}  // namespace
}  // namespace casemate::custody
