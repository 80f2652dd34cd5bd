#include "net/receipt_backend.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "audit/verify/test_receipt.h"

namespace casemate::net {
namespace {

using audit::TestBlocks;

// A gateway that has one answer, and, for its receipt, one more, in turn.
class FakeGateway : public Backend {
 public:
  struct Reply {
    std::uint16_t status = 200;
    std::vector<Header> headers = {};
    bool has_length = true;
    std::vector<std::string> pieces = {};
  };
  Result<std::unique_ptr<Answer>> Open(const TenantId&, const HttpRequest& request) override {
    std::deque<Reply>& replies = request.path.starts_with("/v1/receipts/") ? receipts : answers;
    if (replies.empty()) {
      return Fail(ErrorCode::kUnavailable, "nothing more is scripted");
    }
    Reply reply = replies.front();
    if (replies.size() > 1) {
      replies.pop_front();
    }
    return std::make_unique<FakeAnswer>(std::move(reply));
  }
  std::deque<Reply> answers;
  std::deque<Reply> receipts;

 private:
  class FakeAnswer : public Answer {
   public:
    explicit FakeAnswer(Reply reply) {
      HttpHead head{.status = reply.status, .headers = reply.headers};
      head.has_length = reply.has_length;
      for (const std::string& piece : reply.pieces) {
        head.length += piece.size();
      }
      parts_.emplace_back(std::move(head));
      for (const std::string& piece : reply.pieces) {
        parts_.emplace_back(HttpBody{.bytes = Plaintext::Copy(std::string_view(piece))});
      }
      parts_.emplace_back(HttpEnd{});
    }
    Result<AnswerPart> Next() override {
      AnswerPart part = std::move(parts_.front());
      parts_.pop_front();
      return part;
    }
    void Cancel() override {}

   private:
    std::deque<AnswerPart> parts_;
  };
};

struct Got {
  std::uint16_t status = 0;
  std::string verified;
  std::string body;
  bool whole = false;
};

class ReceiptBackendTest : public ::testing::Test {
 protected:
  ReceiptBackendTest() {
    for (const crypto::SigningKey& key : audit::TestKeys()) {
      log_keys_.push_back(audit::VerifierKey::Of(audit::kTestOrigin, key).value());
    }
    blocks_ = audit::MakeTestBlocks();
    Serve(std::string(audit::kTestAnswer));
  }

  std::vector<Header> ReceiptHeaders(const std::string& type) const {
    return {{"content-type", type},
            {"x-casemate-receipt", audit::TestReceiptId().ToString()},
            {"x-casemate-receipt-salt", ToHex(audit::TestSalt())}};
  }
  void Serve(const std::string& answer) {
    gateway_->answers = {{.headers = ReceiptHeaders("application/json"), .pieces = {answer}}};
    gateway_->receipts = {{.pieces = {audit::MakeTestReceipt(blocks_)}}};
  }
  // A stream whose receipt fits.
  void ServeStream(const std::vector<std::string>& events) {
    audit::AnswerDigest digest(audit::TestSalt());
    for (const std::string& event : events) {
      digest.Update(AsBytes(event));
    }
    blocks_.client.answer = digest.Finish();
    blocks_.client.streamed = true;
    Serve("");
    gateway_->answers = {
        {.headers = ReceiptHeaders("text/event-stream"), .has_length = false, .pieces = events}};
    gateway_->answers.front().pieces.push_back(
        "event: casemate.receipt\ndata: {\"type\":\"casemate.receipt\",\"id\":\"" +
        audit::TestReceiptId().ToString() + "\"}\n\n");
  }

  Got Ask(ReceiptMode mode, const std::string& method = "POST",
          const std::string& path = "/v1/chat/completions") {
    auto checker = with_keys_ ? std::make_shared<ReceiptChecker>(gateway_, log_keys_,
                                                                 [this] { return group_; })
                              : nullptr;
    ReceiptBackend backend(
        gateway_, checker,
        {.mode = mode, .mark_patience = patience_, .patience = patience_, .max_held_bytes = 4096});
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.body = Plaintext::Copy(audit::kTestRequest);
    const std::unique_ptr<Answer> answer = backend.Open({}, request).value();
    Got got;
    while (true) {
      Result<AnswerPart> part = answer->Next();
      if (!part) {
        return got;
      }
      if (const auto* head = std::get_if<HttpHead>(&*part)) {
        got.status = head->status;
        for (const Header& header : head->headers) {
          got.verified += header.name == "x-casemate-verified" ? header.value : "";
        }
      } else if (const auto* body = std::get_if<HttpBody>(&*part)) {
        got.body += body->bytes.view().Reveal();
      } else {
        got.whole = true;
        return got;
      }
    }
  }

  std::shared_ptr<FakeGateway> gateway_ = std::make_shared<FakeGateway>();
  std::vector<audit::VerifierKey> log_keys_;
  TestBlocks blocks_;
  std::string group_ = "X25519MLKEM768";
  bool with_keys_ = true;
  std::chrono::milliseconds patience_ = std::chrono::seconds(20);
};

constexpr ReceiptMode kModes[] = {ReceiptMode::kMark, ReceiptMode::kRequire, ReceiptMode::kBuffer};

TEST_F(ReceiptBackendTest, AnAnswerThatFitsItsReceiptIsVerified) {
  for (const ReceiptMode mode : kModes) {
    const Got got = Ask(mode);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.verified, "true");
    EXPECT_EQ(got.body, audit::kTestAnswer);
    EXPECT_TRUE(got.whole);
  }
}

TEST_F(ReceiptBackendTest, ATamperedAnswerIsMarkedOrHeldBack) {
  Serve("{\"choices\":[1]}");
  const Got marked = Ask(ReceiptMode::kMark);
  EXPECT_EQ(marked.status, 200);
  EXPECT_EQ(marked.verified, "false");
  for (const ReceiptMode mode : {ReceiptMode::kRequire, ReceiptMode::kBuffer}) {
    const Got got = Ask(mode);
    EXPECT_EQ(got.status, 502);
    EXPECT_EQ(got.verified, "false");
    EXPECT_NE(got.body.find("answer_not_verified"), std::string::npos) << got.body;
    EXPECT_EQ(got.body.find("choices"), std::string::npos);
  }
}

TEST_F(ReceiptBackendTest, AReceiptAboutSomethingElseIsNone) {
  const TestBlocks good = blocks_;
  const auto refused = [this](const char* what) {
    Serve(std::string(audit::kTestAnswer));
    EXPECT_EQ(Ask(ReceiptMode::kBuffer).status, 502) << what;
  };
  blocks_.client.path = "/v1/completions";
  refused("path");
  blocks_ = good;
  blocks_.client.method = "GET";
  refused("method");
  blocks_ = good;
  blocks_.client.status = 201;
  refused("status");
  blocks_ = good;
  blocks_.client.tls = "X25519";
  refused("group");
  blocks_ = good;
  group_ = "SecP256r1MLKEM768";
  refused("another group than ours");
  group_ = "X25519MLKEM768";
  Serve(std::string(audit::kTestAnswer));
  EXPECT_EQ(Ask(ReceiptMode::kBuffer).status, 200);  // the last change undone, it fits again
}

TEST_F(ReceiptBackendTest, AReceiptOfOtherKeysIsNone) {
  log_keys_.clear();
  for (const crypto::SigningKey& key : audit::TestServerKeys()) {
    log_keys_.push_back(audit::VerifierKey::Of(audit::kTestOrigin, key).value());
  }
  EXPECT_EQ(Ask(ReceiptMode::kMark).verified, "false");
  EXPECT_EQ(Ask(ReceiptMode::kBuffer).status, 502);
}

TEST_F(ReceiptBackendTest, AnAnswerWithoutReceiptIsMarkedOrRefused) {
  gateway_->answers = {{.headers = {{"content-type", "application/json"}}, .pieces = {"{}"}}};
  EXPECT_EQ(Ask(ReceiptMode::kMark).verified, "false");
  EXPECT_EQ(Ask(ReceiptMode::kRequire).status, 502);
  EXPECT_EQ(Ask(ReceiptMode::kBuffer).status, 502);
  // What comes from no model and no document has none, and an error is no answer.
  for (const char* path : {"/v1/models", "/v1/models/m", "/v1/files", "/v1/files/file-a",
                           "/v1/vector_stores", "/v1/vector_stores/vs_a/files"}) {
    EXPECT_EQ(Ask(ReceiptMode::kBuffer, "GET", path).status, 200) << path;
  }
  for (const char* path : {"/v1/files/file-a/content", "/v1/vector_stores/vs_a/search",
                           "/v1/modelsx", "/v1/anything/new", "/"}) {
    EXPECT_EQ(Ask(ReceiptMode::kBuffer, "GET", path).status, 502) << path;
  }
  gateway_->answers.front().status = 404;
  EXPECT_EQ(Ask(ReceiptMode::kBuffer).status, 404);
}

TEST_F(ReceiptBackendTest, AnIdOrSaltThatIsNoneIsAsGoodAsNoReceipt) {
  for (const std::size_t at : {1U, 2U}) {
    Serve(std::string(audit::kTestAnswer));
    gateway_->answers.front().headers[at].value = "rcpt_x";
    EXPECT_EQ(Ask(ReceiptMode::kMark).verified, "false");
    EXPECT_EQ(Ask(ReceiptMode::kRequire).status, 502);
  }
}

TEST_F(ReceiptBackendTest, AReceiptThatIsNotThereYetIsWaitedFor) {
  const std::string receipt = audit::MakeTestReceipt(blocks_);
  gateway_->receipts = {{.status = 202}, {.status = 202}, {.pieces = {receipt}}};
  EXPECT_EQ(Ask(ReceiptMode::kBuffer).verified, "true");
}

TEST_F(ReceiptBackendTest, AReceiptThatNeverComesLeavesItPendingOrRefused) {
  patience_ = std::chrono::milliseconds(30);
  gateway_->receipts = {{.status = 202}};
  const Got marked = Ask(ReceiptMode::kMark);
  EXPECT_EQ(marked.verified, "pending");
  EXPECT_EQ(marked.body, audit::kTestAnswer);
  EXPECT_EQ(Ask(ReceiptMode::kBuffer).status, 502);
}

TEST_F(ReceiptBackendTest, AReceiptThatIsGoneRefuses) {
  gateway_->receipts = {{.status = 404}};
  EXPECT_EQ(Ask(ReceiptMode::kMark).verified, "false");
  EXPECT_EQ(Ask(ReceiptMode::kRequire).status, 502);
}

TEST_F(ReceiptBackendTest, AStreamFlowsAndIsPending) {
  ServeStream({"data: 1\n\n", "data: [DONE]\n\n"});
  const Got got = Ask(ReceiptMode::kMark);
  EXPECT_EQ(got.verified, "pending");
  EXPECT_TRUE(got.whole);
  EXPECT_TRUE(got.body.starts_with("data: 1\n\ndata: [DONE]\n\nevent: casemate.receipt\n"));
}

TEST_F(ReceiptBackendTest, ARequiredStreamEndsWellOnlyIfVerified) {
  ServeStream({"data: 1\n\n", "data: [DONE]\n\n"});
  const Got good = Ask(ReceiptMode::kRequire);
  EXPECT_EQ(good.verified, "pending");
  EXPECT_TRUE(good.whole);
  EXPECT_TRUE(good.body.starts_with("data: 1\n\ndata: [DONE]\n\nevent: casemate.receipt\n"));

  gateway_->answers.front().pieces[0] = "data: 2\n\n";
  const Got tampered = Ask(ReceiptMode::kRequire);
  EXPECT_FALSE(tampered.whole);
  EXPECT_EQ(tampered.body, "data: 2\n\n");  // never the end that a client would believe
}

TEST_F(ReceiptBackendTest, ABufferedStreamGoesOutVerifiedOrNotAtAll) {
  ServeStream({"data: 1\n\n", "data: [DONE]\n\n"});
  const Got good = Ask(ReceiptMode::kBuffer);
  EXPECT_EQ(good.verified, "true");
  EXPECT_TRUE(good.whole);
  gateway_->answers.front().pieces[0] = "data: 2\n\n";
  const Got tampered = Ask(ReceiptMode::kBuffer);
  EXPECT_EQ(tampered.status, 502);
  EXPECT_EQ(tampered.body.find("data: 2"), std::string::npos);
}

TEST_F(ReceiptBackendTest, AStreamThatWasCutIsNotVerified) {
  ServeStream({"data: 1\n\n", "data: [DONE]\n\n"});
  gateway_->answers.front().pieces.pop_back();
  EXPECT_EQ(Ask(ReceiptMode::kBuffer).status, 502);
  EXPECT_FALSE(Ask(ReceiptMode::kRequire).whole);
}

TEST_F(ReceiptBackendTest, NoMoreIsHeldBackThanAllowed) {
  Serve(std::string(4097, 'x'));
  EXPECT_EQ(Ask(ReceiptMode::kBuffer).status, 502);
}

TEST_F(ReceiptBackendTest, WithoutTheLogsKeysNothingIsVerified) {
  with_keys_ = false;
  EXPECT_EQ(Ask(ReceiptMode::kMark).verified, "false");
}

}  // namespace
}  // namespace casemate::net
