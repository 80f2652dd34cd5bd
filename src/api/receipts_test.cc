#include <gtest/gtest.h>

#include <thread>

#include "api/api_fixture.h"
#include "audit/verify/receipt.h"
#include "base/clock.h"

namespace casemate::api {
namespace {

constexpr const char* kChat =
    R"({"model":"casemate-answer","messages":[{"role":"user","content":"Hello?"}]})";
constexpr const char* kStreamed =
    R"({"model":"casemate-answer","stream":true,"messages":[{"role":"user","content":"Hello?"}]})";

class ReceiptsTest : public ApiTest {
 protected:
  Answer Get(const std::string& id, std::vector<net::Header> headers = {}) {
    return Send("GET", "/v1/receipts/" + id, {}, std::move(headers));
  }
  std::string Await(const std::string& id) {
    const auto end = BootClock::now() + std::chrono::seconds(20);
    Answer answer = Get(id);
    while (answer.status == 202 && BootClock::now() < end) {
      EXPECT_EQ(answer.headers.at("retry-after"), "1");
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      answer = Get(id);
    }
    EXPECT_EQ(answer.status, 200);
    return answer.body;
  }
  static std::string Digests(const Answer& answer, const std::string& request,
                             const std::string& body) {
    const audit::ReceiptSalt salt =
        audit::ParseReceiptSalt(answer.headers.at("x-casemate-receipt-salt")).value();
    audit::AnswerDigest digest(salt);
    digest.Update(AsBytes(body));
    return "request " + ToBase64(audit::RequestDigest(salt, AsBytes(request))) + "\nanswer " +
           ToBase64(digest.Finish()) + "\nanswer-bytes " + std::to_string(body.size()) + "\n";
  }
};

TEST_F(ReceiptsTest, AnAnswerOfAModelHasAReceiptOfItsBytes) {
  const Answer answer = Post("/v1/chat/completions", kChat);
  ASSERT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.headers.contains("x-casemate-request-salt"));
  const std::string text = Await(answer.headers.at("x-casemate-receipt"));
  EXPECT_NE(text.find("\ntls X25519MLKEM768\nmethod POST\npath /v1/chat/completions\n"
                      "status 200\nstreamed no\n" +
                      Digests(answer, kChat, answer.body)),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\nengine libllama\n"), std::string::npos);
  EXPECT_NE(text.find("\noutcome complete\n"), std::string::npos);
  EXPECT_NE(text.find("\nregion request " + std::to_string(std::strlen(kChat)) + "\n"),
            std::string::npos);
}

TEST_F(ReceiptsTest, AHopThatMayBeClassicalStandsOnTheReceipt) {
  tls_group_ = "x25519";
  const Answer answer = Post("/v1/chat/completions", kChat);
  ASSERT_EQ(answer.status, 200);
  EXPECT_NE(Await(answer.headers.at("x-casemate-receipt"))
                .find("\ntls x25519\ntls-minimum classical\nmethod POST\n"),
            std::string::npos);
}

TEST_F(ReceiptsTest, AStreamEndsWithAnEventThatIsNotAmongItsBytes) {
  const Answer answer = Post("/v1/chat/completions", kStreamed);
  const std::string id = answer.headers.at("x-casemate-receipt");
  const std::string last =
      "event: casemate.receipt\ndata: {\"type\":\"casemate.receipt\",\"id\":\"" + id + "\"}\n\n";
  ASSERT_TRUE(answer.body.ends_with("data: [DONE]\n\n" + last)) << answer.body;
  const std::string before = answer.body.substr(0, answer.body.size() - last.size());
  const std::string text = Await(id);
  EXPECT_NE(text.find("streamed yes\n" + Digests(answer, kStreamed, before)), std::string::npos);
}

TEST_F(ReceiptsTest, AnErrorAfterTheTicketHasAReceiptToo) {
  const Answer answer =
      Post("/v1/embeddings", R"({"model":"casemate-embed","input":"x","dimensions":7})");
  ASSERT_EQ(answer.status, 400);
  const std::string text = Await(answer.headers.at("x-casemate-receipt"));
  EXPECT_NE(text.find("\nstatus 400\n"), std::string::npos);
}

TEST_F(ReceiptsTest, WhatIsNeitherOfAModelNorOfDocumentsHasNone) {
  const Answer answer = Send("GET", "/v1/models");
  EXPECT_FALSE(answer.headers.contains("x-casemate-receipt"));
  EXPECT_TRUE(answer.headers.contains("x-casemate-request-salt"));
}

TEST_F(ReceiptsTest, AnAnswerWhoseClientLeftIsCut) {
  gone_ = true;
  const Answer answer = Post("/v1/chat/completions", kStreamed);
  gone_ = false;
  const std::string text = Await(answer.headers.at("x-casemate-receipt"));
  EXPECT_NE(text.find("\noutcome cut\n"), std::string::npos);
}

TEST_F(ReceiptsTest, OnlyWhoAskedMayReadItOrTheOperator) {
  const std::string id = Post("/v1/chat/completions", kChat).headers.at("x-casemate-receipt");
  const std::string text = Await(id);
  principal_ = crypto::RandomId<PrincipalId>();
  EXPECT_EQ(Get(id).status, 403);
  from_operator_ = true;
  EXPECT_EQ(Get(id).body, text);
}

TEST_F(ReceiptsTest, JsonHoldsTheSameText) {
  const std::string id = Post("/v1/chat/completions", kChat).headers.at("x-casemate-receipt");
  const std::string text = Await(id);
  const json::Document document = Get(id, {{"accept", "application/json"}}).Json();
  EXPECT_EQ(At(document, "id"), id);
  EXPECT_EQ(At(document, "object"), "receipt");
  EXPECT_EQ(At(document, "status"), "complete");
  EXPECT_EQ(At(document, "receipt"), text);
}

TEST_F(ReceiptsTest, AnIdThatIsNoneIsNotFound) {
  EXPECT_EQ(Get("rcpt_nonsense").status, 404);
  EXPECT_EQ(Get(audit::ReceiptId().ToString()).status, 404);
  EXPECT_EQ(Send("DELETE", "/v1/receipts/x").status, 405);
}

TEST_F(ReceiptsTest, AReceiptThatFailsDoesNotLoseTheAnswerAndSaysWhy) {
  rooms_.room->on_piece = [this] { releases_.SetUnavailable(true); };
  const Answer answer = Post("/v1/chat/completions", kChat);
  ASSERT_EQ(answer.status, 200);
  const std::string id = answer.headers.at("x-casemate-receipt");
  const auto end = BootClock::now() + std::chrono::seconds(20);
  Answer receipt = Get(id);
  while (receipt.status == 202 && BootClock::now() < end) {
    receipt = Get(id);
  }
  EXPECT_EQ(receipt.status, 503);
  EXPECT_NE(receipt.body.find("could not be completed"), std::string::npos);
}

}  // namespace
}  // namespace casemate::api
