#include "net/connect_gate.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace casemate::net {
namespace {

constexpr std::string_view kToken = "cc-token";

ConnectGate MakeGate(std::vector<std::string> origins = {}) {
  return ConnectGate({.hosts = {"127.0.0.1:8080", "localhost:8080"},
                      .origins = std::move(origins),
                      .token_digest = crypto::Sha256(AsBytes(kToken))});
}

MessageHead Head(std::vector<Header> headers, std::string_view authorization = "Bearer cc-token") {
  MessageHead head;
  head.method = "GET";
  head.target = "/v1/models";
  head.headers = std::move(headers);
  if (!authorization.empty()) {
    head.authorization = Plaintext::Copy(authorization);
    head.authorizations = 1;
  }
  return head;
}

std::string CodeOf(const std::optional<Gate::Refusal>& refusal) {
  return refusal ? refusal->code : "passed";
}

TEST(ConnectGateTest, ItsOwnNamesPassInAnyCase) {
  for (const char* host : {"127.0.0.1:8080", "localhost:8080", "LocalHost:8080"}) {
    EXPECT_EQ(CodeOf(MakeGate().Check(Head({{"host", host}}))), "passed") << host;
  }
}

TEST(ConnectGateTest, OtherNamesAreRefused) {
  for (const char* host : {"evil.example:8080", "127.0.0.1", "localhost", "127.0.0.1:80",
                           "127.0.0.1:8080.evil.example", "127.0.0.1:80800", "", "[::1]:8080"}) {
    const auto refusal = MakeGate().Check(Head({{"host", host}}));
    EXPECT_EQ(CodeOf(refusal), "host_not_allowed") << host;
    EXPECT_EQ(refusal->status, 403);
  }
  EXPECT_EQ(CodeOf(MakeGate().Check(Head({}))), "host_not_allowed");
  EXPECT_EQ(
      CodeOf(MakeGate().Check(Head({{"host", "127.0.0.1:8080"}, {"host", "127.0.0.1:8080"}}))),
      "host_not_allowed");
}

TEST(ConnectGateTest, AnAuthorityInTheTargetIsRefused) {
  MessageHead head = Head({{"host", "127.0.0.1:8080"}});
  head.target = "http://127.0.0.1:8080/v1/models";
  EXPECT_EQ(CodeOf(MakeGate().Check(head)), "host_not_allowed");
  head.target = "example.com:443";
  EXPECT_EQ(CodeOf(MakeGate().Check(head)), "host_not_allowed");
}

TEST(ConnectGateTest, AnOriginPassesOnlyIfItIsListedExactly) {
  const ConnectGate gate = MakeGate({"http://localhost:3000"});
  const auto check = [&](const char* origin) {
    return CodeOf(gate.Check(Head({{"host", "127.0.0.1:8080"}, {"origin", origin}})));
  };
  EXPECT_EQ(check("http://localhost:3000"), "passed");
  for (const char* origin : {"null", "", "http://localhost:30000", "https://localhost:3000",
                             "http://localhost:3000.evil.example", "http://127.0.0.1:8080"}) {
    EXPECT_EQ(check(origin), "origin_not_allowed") << origin;
  }
  EXPECT_EQ(CodeOf(gate.Check(Head({{"host", "127.0.0.1:8080"},
                                    {"origin", "http://localhost:3000"},
                                    {"origin", "http://localhost:3000"}}))),
            "origin_not_allowed");
}

TEST(ConnectGateTest, OnlyTheTokenIsAdmitted) {
  const ConnectGate gate = MakeGate();
  const auto admits = [&](std::string_view value) {
    return gate.Admit(Head({{"host", "localhost:8080"}}, value)).has_value();
  };
  EXPECT_TRUE(admits("Bearer cc-token"));
  EXPECT_TRUE(admits("bearer cc-token"));  // RFC 9110, section 11.1: the scheme has no case
  for (const char* value : {"", "cc-token", "Bearer", "Bearer ", "Bearer cc-toke",
                            "Bearer cc-token ", "Basic cc-token", "Bearer cc-tokeN"}) {
    EXPECT_FALSE(admits(value)) << value;
  }
  MessageHead twice = Head({{"host", "localhost:8080"}});
  twice.authorizations = 2;
  EXPECT_EQ(gate.Admit(twice).error().code, ErrorCode::kUnauthenticated);
}

TEST(ConnectGateTest, OnlyAListedOriginIsToldThatItMayRead) {
  const ConnectGate gate = MakeGate({"http://localhost:3000"});
  EXPECT_TRUE(gate.AnswerFields(Head({{"origin", "http://evil.example"}})).empty());
  EXPECT_TRUE(gate.AnswerFields(Head({})).empty());
  MessageHead preflight = Head({{"origin", "http://localhost:3000"},
                                {"access-control-request-headers", "authorization, x-a"}});
  preflight.method = "OPTIONS";
  const std::vector<Header> fields = gate.AnswerFields(preflight);
  const auto value = [&](std::string_view name) {
    const auto found = std::ranges::find(fields, name, &Header::name);
    return found == fields.end() ? "" : found->value;
  };
  EXPECT_EQ(value("access-control-allow-origin"), "http://localhost:3000");
  EXPECT_EQ(value("access-control-allow-headers"), "authorization, x-a");
  EXPECT_EQ(value("access-control-allow-credentials"), "");
  preflight.headers.back().value = "a\r\nset-cookie: x";
  for (const Header& field : gate.AnswerFields(preflight)) {
    EXPECT_NE(field.name, "access-control-allow-headers");
  }
}

TEST(ConnectGateTest, OriginsAreCheckedWhenTheyAreGiven) {
  for (const char* good : {"http://localhost:3000", "https://a.example", "chrome-extension://ab"}) {
    EXPECT_TRUE(CheckOrigin(good).has_value()) << good;
  }
  for (const char* bad : {"*", "null", "", "localhost:3000", "http://", "http://a/", "http://a/b",
                          "http://*.example", "http://a b", "://a"}) {
    EXPECT_FALSE(CheckOrigin(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace casemate::net
