#include "net/keeper_backend.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "crypto/hash.h"
#include "net/fake_supervisor_test_support.h"

namespace casemate::net {
namespace {

using testing::FakeSupervisor;

class KeeperBackendTest : public ::testing::Test {
 protected:
  void StartWith(FakeSupervisor::KeeperHandler keeper) {
    Result<std::pair<UniqueFd, UniqueFd>> pair = ipc::Channel::MakePair();
    ASSERT_TRUE(pair.has_value());
    supervisor_ = std::make_unique<FakeSupervisor>(
        ipc::Channel(std::move(pair->first), ipc::ProcessKind::kSupervisor,
                     ipc::ProcessKind::kFront),
        std::move(keeper));
    peer_ = ipc::Peer::Start(ipc::Channel(std::move(pair->second), ipc::ProcessKind::kFront,
                                          ipc::ProcessKind::kSupervisor),
                             {.request = [](ipc::Incoming) {},
                              .notice = [](const ipc::Frame&) {},
                              .closed = [](const Error&) {}});
    backend_ = std::make_unique<KeeperBackend>(*peer_);
  }
  static HttpRequest Request(std::string path) {
    HttpRequest request;
    request.method = "GET";
    request.path = std::move(path);
    request.body = Plaintext::Copy("body");
    return request;
  }
  // The whole answer, bodies joined.
  Result<std::string> Ask(const std::string& path) {
    Result<std::unique_ptr<Answer>> answer = backend_->Open(tenant_, Request(path));
    if (!answer) {
      return std::unexpected(answer.error());
    }
    std::string text;
    while (true) {
      Result<AnswerPart> part = (*answer)->Next();
      if (!part) {
        return std::unexpected(part.error());
      }
      if (const auto* body = std::get_if<HttpBody>(&*part)) {
        text += body->bytes.view().Reveal();
      }
      if (std::holds_alternative<HttpEnd>(*part)) {
        return text;
      }
    }
  }

  TenantId tenant_ = crypto::RandomId<TenantId>();
  std::unique_ptr<FakeSupervisor> supervisor_;
  std::unique_ptr<ipc::Peer> peer_;
  std::unique_ptr<KeeperBackend> backend_;
};

TEST_F(KeeperBackendTest, StartsAKeeperOnceAndPassesItsAnswerOn) {
  StartWith(&testing::Echo);
  for (const char* path : {"/1", "/2"}) {
    Result<std::string> text = Ask(path);
    ASSERT_TRUE(text.has_value()) << text.error().message;
    EXPECT_EQ(*text, std::string(path) + "body");
  }
  EXPECT_EQ(supervisor_->keepers_started(), 1);
}

TEST_F(KeeperBackendTest, RequestsAtTheSameTimeShareOneKeeper) {
  StartWith(&testing::Echo);
  std::vector<std::future<Result<std::string>>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(std::async(std::launch::async, [&] { return Ask("/x"); }));
  }
  for (auto& answer : answers) {
    EXPECT_EQ(answer.get().value_or("failed"), "/xbody");
  }
  EXPECT_EQ(supervisor_->keepers_started(), 1);
}

TEST_F(KeeperBackendTest, TwoTenantsHaveTwoKeepers) {
  StartWith(&testing::Echo);
  ASSERT_TRUE(Ask("/1").has_value());
  tenant_ = crypto::RandomId<TenantId>();
  ASSERT_TRUE(Ask("/2").has_value());
  EXPECT_EQ(supervisor_->keepers_started(), 2);
}

TEST_F(KeeperBackendTest, ADeadKeeperIsReplacedForTheNextRequest) {
  StartWith(&testing::Echo);
  ASSERT_TRUE(Ask("/1").has_value());
  supervisor_->KillKeepers();
  // The death is noticed by a request in flight, if not before.
  Result<std::string> text = Ask("/2");
  if (!text) {
    EXPECT_EQ(text.error().code, ErrorCode::kUnavailable);
    text = Ask("/2");
  }
  ASSERT_TRUE(text.has_value()) << text.error().message;
  EXPECT_EQ(*text, "/2body");
  EXPECT_EQ(supervisor_->keepers_started(), 2);
}

TEST_F(KeeperBackendTest, TheKeepersFailureArrivesWithItsCode) {
  StartWith([](ipc::Incoming incoming) {
    incoming.Fail({.code = ErrorCode::kConflict, .message = "no", .param = "name", .detail = {}});
  });
  Result<std::string> text = Ask("/");
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().code, ErrorCode::kConflict);
  EXPECT_EQ(text.error().param, "name");
}

TEST_F(KeeperBackendTest, CancelReachesTheKeeper) {
  // Held by the handler too, which may outlive this function.
  auto cancelled = std::make_shared<std::promise<void>>();
  const std::shared_future<void> was_cancelled(cancelled->get_future());
  StartWith([cancelled, was_cancelled](ipc::Incoming incoming) {
    incoming.OnCancel([cancelled] { cancelled->set_value(); });
    (void)incoming.Stream(HttpHead{.status = 200});
    was_cancelled.wait();
  });
  Result<std::unique_ptr<Answer>> answer = backend_->Open(tenant_, Request("/"));
  ASSERT_TRUE(answer.has_value());
  Result<AnswerPart> head = (*answer)->Next();
  ASSERT_TRUE(head.has_value());
  EXPECT_TRUE(std::holds_alternative<HttpHead>(*head));
  (*answer)->Cancel();
  Result<AnswerPart> after = (*answer)->Next();
  ASSERT_FALSE(after.has_value());
  EXPECT_EQ(after.error().code, ErrorCode::kCancelled);
  was_cancelled.wait();  // the keeper heard of it
}

TEST_F(KeeperBackendTest, WithoutASupervisorTheTenantIsUnavailable) {
  StartWith(&testing::Echo);
  supervisor_.reset();
  Result<std::string> text = Ask("/");
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace casemate::net
