#include "net/gateway_backend.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/server_test_support.h"

namespace casemate::net {
namespace {

using testing::FakeBackend;
using testing::MakeKey;
using testing::TestIdentity;

struct Got {
  std::uint16_t status = 0;
  std::vector<Header> headers;
  std::string body;
  Error error;  // what ended it before its end
};

// The front's own server, with a scripted keeper behind it.
class GatewayBackendTest : public ::testing::Test {
 protected:
  GatewayBackendTest() { Start({}); }

  void Start(const TlsSettings& tls) {
    server_.reset();
    ServerOptions options;
    options.tls = tls;
    UniqueFd listener = testing::ListenOnLoopback();
    server_ = Server::Start(options, std::move(listener), UniqueFd(), keeper_).value();
    ASSERT_TRUE(server_->SetIdentity(TestIdentity()).has_value());
    custody::Admission admission;
    admission.tenants.push_back({.id = tenant_, .name = "default"});
    admission.keys.push_back(key_.admitted);
    server_->SetAdmission(admission);
    const std::string& address = server_->address();
    port_ = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  std::shared_ptr<Gateway> MakeGateway(const std::string& host = "127.0.0.1",
                                       Bytes authority = TestIdentity().authority_der,
                                       std::shared_ptr<HopTable> hops = HopTable::Make()) {
    return Gateway::Make({.host = host,
                          .port = port_,
                          .addresses = Resolve("127.0.0.1", port_).value(),
                          .authority_der = std::move(authority),
                          .timeouts = {.connect = std::chrono::seconds(5),
                                       .silence = std::chrono::seconds(5)},
                          .hops = std::move(hops)})
        .value();
  }
  static SecretBuffer Secret(std::string_view text) {
    SecretBuffer secret = SecretBuffer::Allocate(text.size()).value();
    std::ranges::copy(AsBytes(text), secret.mutable_bytes().begin());
    return secret;
  }
  SecretBuffer ApiKey() const { return Secret(key_.bearer.substr(7)); }

  static Got Read(Answer& answer) {
    Got got;
    while (true) {
      Result<AnswerPart> part = answer.Next();
      if (!part) {
        got.error = part.error();
        return got;
      }
      if (const auto* head = std::get_if<HttpHead>(&*part)) {
        got.status = head->status;
        got.headers = head->headers;
      } else if (const auto* body = std::get_if<HttpBody>(&*part)) {
        got.body += body->bytes.view().Reveal();
      } else {
        return got;
      }
    }
  }
  Got Ask(GatewayBackend& backend, const HttpRequest& request) {
    return Read(*backend.Open({}, request).value());
  }
  Got Ask(const std::shared_ptr<Gateway>& gateway) {
    GatewayBackend backend(gateway, ApiKey());
    HttpRequest request;
    request.method = "GET";
    request.path = "/v1/models";
    return Ask(backend, request);
  }

  TenantId tenant_ = crypto::RandomId<TenantId>();
  testing::TestKey key_ = MakeKey(tenant_);
  std::shared_ptr<FakeBackend> keeper_ = std::make_shared<FakeBackend>();
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
};

TEST_F(GatewayBackendTest, ARequestArrivesAsItWasAndItsAnswerComesBack) {
  keeper_->Answers("an answer");
  GatewayBackend backend(MakeGateway(), ApiKey());
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/a b/\xc3\xa4%";
  request.query = "limit=2&x=%20";
  request.headers = {{"content-type", "application/json"}, {"x-casemate-label", "internal"}};
  request.body = Plaintext::Copy("{\"a\":1}");
  const Got got = Ask(backend, request);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "an answer");
  ASSERT_EQ(keeper_->seen.size(), 1U);
  const testing::Seen& seen = keeper_->seen.front();
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, request.path);
  EXPECT_EQ(seen.query, request.query);
  EXPECT_EQ(seen.body, "{\"a\":1}");
  EXPECT_EQ(seen.key, key_.id);
  EXPECT_EQ(seen.tls_group, "X25519MLKEM768");
  EXPECT_EQ(std::ranges::count(seen.headers, "x-casemate-label", &Header::name), 1);
}

TEST_F(GatewayBackendTest, TheGroupIsReadBackAndConnectionsAreUsedAgain) {
  keeper_->Answers("x");
  const std::shared_ptr<Gateway> gateway = MakeGateway();
  EXPECT_EQ(gateway->group(), "");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Ask(gateway).status, 200);
  }
  EXPECT_EQ(gateway->group(), "X25519MLKEM768");
  EXPECT_EQ(server_->counters().connections, 1U);
}

TEST_F(GatewayBackendTest, ConnectionsAndRefusalsAreWrittenDownAsHops) {
  keeper_->Answers("an answer");
  const auto hops = HopTable::Make();
  Ask(MakeGateway("127.0.0.1", TestIdentity().authority_der, hops));
  const HopRow row = hops->Snapshot().hops.at(0);
  EXPECT_EQ(row.facts.hop, "gateway");
  EXPECT_EQ(row.facts.peer, "127.0.0.1");
  EXPECT_TRUE(row.facts.made);
  EXPECT_EQ(row.facts.group, "X25519MLKEM768");
  EXPECT_EQ(row.facts.version, "TLSv1.3");
  EXPECT_EQ(row.facts.minimum, "hybrid");
  ASSERT_NE(row.facts.certificate, nullptr);
  EXPECT_FALSE(row.facts.certificate->own);
  EXPECT_EQ(row.facts.certificate->public_key, "EC prime256v1");
  EXPECT_GT(row.bytes_in, 9U);
  EXPECT_GT(row.bytes_out, 50U);
  Bytes other =
      crypto::MakeCertificateAuthority("other", std::chrono::days(2)).value().certificate_der;
  Ask(MakeGateway("127.0.0.1", std::move(other), hops));
  const RefusalRow refused = hops->Snapshot().refused.at(0);
  EXPECT_EQ(refused.refusal.reason, "certificate");
  EXPECT_TRUE(refused.refusal.made);
  EXPECT_EQ(refused.count, 1U);
}

TEST_F(GatewayBackendTest, OtherHybridGroupsAreSpokenToo) {
  keeper_->Answers("x");
  for (const char* group : {"SecP256r1MLKEM768", "SecP384r1MLKEM1024"}) {
    Start({.groups = {group}});
    const std::shared_ptr<Gateway> gateway = MakeGateway();
    EXPECT_EQ(Ask(gateway).status, 200);
    EXPECT_EQ(gateway->group(), group);
  }
}

TEST_F(GatewayBackendTest, AStreamComesPieceByPiece) {
  keeper_->script.parts = {
      [] { return HttpHead{.status = 200, .headers = {{"content-type", "text/event-stream"}}}; },
      [] { return HttpBody{Plaintext::Copy("data: 1\n\n")}; }};
  keeper_->script.hangs = true;
  GatewayBackend backend(MakeGateway(), ApiKey());
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/responses";
  const std::unique_ptr<Answer> answer = backend.Open({}, request).value();
  ASSERT_TRUE(std::holds_alternative<HttpHead>(answer->Next().value()));
  const AnswerPart piece = answer->Next().value();  // the answer has not ended: nothing was held
  EXPECT_EQ(std::get<HttpBody>(piece).bytes.view().Reveal(), "data: 1\n\n");
  answer->Cancel();
  EXPECT_EQ(answer->Next().error().code, ErrorCode::kCancelled);
  keeper_->WaitForCancel();  // the gateway noticed and told its keeper
}

TEST_F(GatewayBackendTest, ARefusedKeyIsToldApartFromARefusedToken) {
  GatewayBackend backend(MakeGateway(), Secret("cm-wrong"));
  HttpRequest request;
  request.method = "GET";
  request.path = "/v1/models";
  const Got got = Ask(backend, request);
  EXPECT_EQ(got.status, 401);
  EXPECT_NE(got.body.find("gateway_key_refused"), std::string::npos) << got.body;
}

TEST_F(GatewayBackendTest, ADeadGatewayIsSaidToBeUnreachable) {
  const std::shared_ptr<Gateway> gateway = MakeGateway();
  server_.reset();
  const Got got = Ask(gateway);
  EXPECT_EQ(got.status, 503);
  EXPECT_NE(got.body.find("gateway_unreachable"), std::string::npos) << got.body;
  EXPECT_EQ(gateway->trouble()->code, ErrorCode::kUnavailable);
}

TEST_F(GatewayBackendTest, AnotherAuthorityIsNotTrusted) {
  Bytes other =
      crypto::MakeCertificateAuthority("other", std::chrono::days(2)).value().certificate_der;
  const std::shared_ptr<Gateway> gateway = MakeGateway("127.0.0.1", std::move(other));
  const Got got = Ask(gateway);
  EXPECT_EQ(got.status, 502);
  EXPECT_NE(got.body.find("gateway_not_trusted"), std::string::npos) << got.body;
  EXPECT_EQ(gateway->trouble()->code, ErrorCode::kIntegrityFailure);
  EXPECT_TRUE(keeper_->seen.empty());
}

TEST_F(GatewayBackendTest, TheCertificateMustHaveTheName) {
  EXPECT_EQ(Ask(MakeGateway("localhost")).status, Ask(MakeGateway("127.0.0.1")).status);
  for (const char* name : {"127.0.0.2", "gateway.example", "::1"}) {
    const Got got = Ask(MakeGateway(name));
    EXPECT_EQ(got.status, 502) << name;
    EXPECT_NE(got.body.find("gateway_not_trusted"), std::string::npos) << got.body;
  }
}

TEST_F(GatewayBackendTest, AConnectionThatWasClosedWhileIdleIsNotAskedOver) {
  keeper_->Answers("x");
  const std::shared_ptr<Gateway> gateway = MakeGateway();
  ASSERT_EQ(Ask(gateway).status, 200);
  server_.reset();  // closes the idle connection
  EXPECT_EQ(Ask(gateway).status, 503);
}

TEST_F(GatewayBackendTest, AnAnswerThatBreaksOffIsAnError) {
  keeper_->script.parts = {
      [] { return HttpHead{.status = 200, .headers = {}, .has_length = true, .length = 10}; },
      [] { return HttpBody{Plaintext::Copy("half")}; }};  // then the keeper dies
  const Got got = Ask(MakeGateway());
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "half");
  EXPECT_EQ(got.error.code, ErrorCode::kUnavailable);
}

TEST_F(GatewayBackendTest, WhatTheGatewaySaysAboutVerificationIsLeftOut) {
  keeper_->script.parts = {[] {
                             return HttpHead{.status = 200,
                                             .headers = {{"x-casemate-verified", "true"},
                                                         {"x-casemate-receipt", "rcpt_a"}},
                                             .has_length = true,
                                             .length = 0};
                           },
                           [] { return HttpEnd{}; }};
  const Got got = Ask(MakeGateway());
  EXPECT_EQ(std::ranges::count(got.headers, "x-casemate-verified", &Header::name), 0);
  EXPECT_EQ(std::ranges::count(got.headers, "x-casemate-receipt", &Header::name), 1);
}

TEST(EncodeTargetTest, WhatIsDecodedIsEncodedAgain) {
  EXPECT_EQ(EncodeTarget("/v1/files/file-a", "").value(), "/v1/files/file-a");
  EXPECT_EQ(EncodeTarget("/a b%?#\"", "").value(), "/a%20b%25%3F%23%22");
  EXPECT_EQ(EncodeTarget("/\xc3\xa4", "a=%20").value(), "/%C3%A4?a=%20");
}

TEST(EncodeTargetTest, WhatCouldSplitTheRequestIsRefused) {
  EXPECT_FALSE(EncodeTarget("*", "").has_value());
  EXPECT_FALSE(EncodeTarget("v1", "").has_value());
  for (const char* query : {"a b", "a\r\nb", "\x7f"}) {
    EXPECT_FALSE(EncodeTarget("/a", query).has_value());
  }
}

}  // namespace
}  // namespace casemate::net
