#include "net/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>

#include "net/hop_json.h"
#include "net/server_test_support.h"
#include "net/unix_client.h"

namespace casemate::net {
namespace {

using testing::FakeBackend;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing::TlsClient;

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() : tenant_(crypto::RandomId<TenantId>()), key_(testing::MakeKey(tenant_)) {
    std::string pattern = ::testing::TempDir() + "/casemate-server-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    options_.limits.max_body_bytes = 1000;
    options_.workers = 4;
    backend_->Answers("hello");
  }
  ~ServerTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void StartServer() {
    UniqueFd unix_listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, socket_path().c_str(), sizeof(name.sun_path) - 1);
    ASSERT_EQ(::bind(unix_listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
    ASSERT_EQ(::listen(unix_listener.get(), 16), 0);
    Result<std::unique_ptr<Server>> server =
        Server::Start(options_, testing::ListenOnLoopback(), std::move(unix_listener), backend_);
    ASSERT_TRUE(server.has_value()) << server.error().message;
    server_ = std::move(*server);
    Result<void> set = server_->SetIdentity(testing::TestIdentity());
    ASSERT_TRUE(set.has_value()) << set.error().message << set.error().detail;
    server_->SetAdmission(Table());
  }
  custody::Admission Table() const {
    return {.keys = {key_.admitted},
            .tenants = {{.id = tenant_, .name = "default", .operator_principal = operator_}}};
  }
  std::string socket_path() const { return folder_ + "/s"; }
  std::string Get(const std::string& path, const std::string& more = {}) const {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer + "\r\n" + more +
           "\r\n";
  }
  // One request over TLS; the whole answer.
  std::string Ask(const std::string& text) {
    TlsClient client(server_->address(), {});
    EXPECT_TRUE(client.connected());
    client.Send(text);
    return client.ReadAll();
  }

  TenantId tenant_;
  testing::TestKey key_;
  PrincipalId operator_ = crypto::RandomId<PrincipalId>();
  std::shared_ptr<FakeBackend> backend_ = std::make_shared<FakeBackend>();
  ServerOptions options_;
  std::string folder_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AHybridClientIsServedAndItsGroupKept) {
  StartServer();
  for (const char* group : {"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"}) {
    TlsClient client(server_->address(), {.groups = group});
    ASSERT_TRUE(client.connected()) << group;
    EXPECT_EQ(client.group(), group);
    client.Send(Get("/v1/models", "Connection: close\r\n"));
    EXPECT_THAT(client.ReadAll(), HasSubstr("\r\n\r\nhello"));
    EXPECT_EQ(backend_->seen.back().tls_group, group);
    EXPECT_FALSE(backend_->seen.back().tls_classical_allowed);
  }
  EXPECT_EQ(server_->counters().classical_connections, 0u);
}

TEST_F(ServerTest, AClassicalClientIsRefusedCountedAndLoggedWithItsGroups) {
  StartServer();
  ::testing::internal::CaptureStderr();
  for (const char* group : {"X25519", "P-256", "X448", "ffdhe2048"}) {
    EXPECT_FALSE(TlsClient(server_->address(), {.groups = group}).connected()) << group;
  }
  server_.reset();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("TLS handshake refused"));
  EXPECT_THAT(log, HasSubstr("client_groups=x25519 "));
}

TEST_F(ServerTest, RefusalsAreCounted) {
  StartServer();
  EXPECT_FALSE(TlsClient(server_->address(), {.groups = "X25519"}).connected());
  // The server handles connections in order of their bytes, and this one's answer comes later.
  EXPECT_THAT(Ask("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(server_->counters().refused_handshakes, 1u);
}

TEST_F(ServerTest, AClientThatGuessesX25519IsRetriedIntoTheHybrid) {
  // CVE-2026-2673. The star marks the share that is sent (SSL_CTX_set1_groups_list(3)).
  for (const TlsMinimum minimum : {TlsMinimum::kHybrid, TlsMinimum::kClassical}) {
    options_.tls.minimum = minimum;
    server_.reset();
    std::filesystem::remove(socket_path());
    StartServer();
    TlsClient client(server_->address(), {.groups = "*X25519:X25519MLKEM768"});
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.group(), "X25519MLKEM768");
  }
}

TEST_F(ServerTest, WithAClassicalMinimumAClassicalClientIsServedAndCounted) {
  options_.tls.minimum = TlsMinimum::kClassical;
  ::testing::internal::CaptureStderr();
  StartServer();
  TlsClient client(server_->address(), {.groups = "X25519"});
  ASSERT_TRUE(client.connected());
  client.Send(Get("/v1/models", "Connection: close\r\n"));
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(backend_->seen.back().tls_group, "x25519");
  EXPECT_TRUE(backend_->seen.back().tls_classical_allowed);
  EXPECT_EQ(server_->counters().classical_connections, 1u);
  EXPECT_TRUE(TlsClient(server_->address(), {.groups = "P-256"}).connected());
  EXPECT_FALSE(TlsClient(server_->address(), {.groups = "X448"}).connected());
  server_.reset();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("tls.minimum is classical"));
  EXPECT_THAT(log, HasSubstr("classical connection"));
}

TEST_F(ServerTest, OnlyTheNamedPeersAreHeldToLess) {
  options_.tls.classical_from = {"192.0.2.0/24"};
  StartServer();
  EXPECT_FALSE(TlsClient(server_->address(), {.groups = "X25519"}).connected());
  ::testing::internal::CaptureStderr();
  TlsSettings lowered;
  lowered.classical_from = {"192.0.2.0/24", "127.0.0.1"};
  ASSERT_TRUE(server_->SetLimits(lowered, 1000, 10).has_value());
  EXPECT_TRUE(TlsClient(server_->address(), {.groups = "X25519"}).connected());
  TlsClient hybrid(server_->address(), {.groups = "*X25519:X25519MLKEM768"});
  ASSERT_TRUE(hybrid.connected());
  EXPECT_EQ(hybrid.group(), "X25519MLKEM768");
  lowered.classical_from = {"not an address"};
  EXPECT_FALSE(server_->SetLimits(lowered, 1000, 10).has_value());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("peer=127.0.0.1"));
}

TEST_F(ServerTest, TheOperatorSeesEveryHopAndEveryRefusal) {
  StartServer();
  EXPECT_FALSE(TlsClient(server_->address(), {.groups = "X25519"}).connected());
  EXPECT_THAT(Ask(Get("/v1/models", "Connection: close\r\n")), StartsWith("HTTP/1.1 200"));
  HttpClient client = HttpClient::Connect(socket_path()).value();
  const Result<ClientResponse> page =
      client.Send({.method = "GET", .target = std::string(kHopsPath), .headers = {}, .body = {}});
  ASSERT_TRUE(page.has_value()) << page.error().message;
  EXPECT_EQ(page->status, 200);
  const std::string text(page->body.view().Reveal());
  EXPECT_THAT(text, HasSubstr(R"("minimum":"hybrid")"));
  EXPECT_THAT(text, HasSubstr(R"("hop":"clients","peer":"127.0.0.1","direction":"accepted",)"
                              R"("transport":"tls","group":"X25519MLKEM768","verdict":"hybrid")"));
  EXPECT_THAT(text, HasSubstr(R"("subject":"CN=)"));
  EXPECT_THAT(text, HasSubstr(R"("hop":"operator","peer":"uid )"));
  EXPECT_THAT(text, HasSubstr(R"("reason":"classical","detail":)"));
  EXPECT_THAT(text, HasSubstr(R"("offered_groups":"x25519")"));
  EXPECT_THAT(text, HasSubstr(R"(["supervisor","front"])"));
  // Not on the port that clients reach.
  EXPECT_THAT(Ask(Get(std::string(kHopsPath), "Connection: close\r\n")),
              Not(HasSubstr("casemate-hops")));
}

TEST_F(ServerTest, Tls12IsRefused) {
  StartServer();
  EXPECT_FALSE(
      TlsClient(server_->address(), {.groups = "X25519", .version = TLS1_2_VERSION}).connected());
}

TEST_F(ServerTest, NoSessionCanBeResumed) {
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send(Get("/v1/models", "Connection: close\r\n"));
  client.ReadAll();
  const SSL_SESSION* session = SSL_get0_session(client.ssl());
  EXPECT_EQ(SSL_SESSION_is_resumable(session), 0);
  EXPECT_EQ(SSL_SESSION_has_ticket(session), 0);
}

TEST_F(ServerTest, AlpnTakesHttp11AndNothingElse) {
  StartServer();
  EXPECT_TRUE(TlsClient(server_->address(), {.alpn = "http/1.1"}).connected());
  EXPECT_FALSE(TlsClient(server_->address(), {.alpn = "h2"}).connected());
}

TEST_F(ServerTest, GroupsMustBeHybridAndSpelledOut) {
  for (const char* group : {"DEFAULT", "X25519", "MLKEM768", "?X25519MLKEM768", "XMLKEM5", ""}) {
    const Result<std::shared_ptr<const TlsContext>> context =
        TlsContext::Make({.groups = {group}}, testing::TestIdentity());
    ASSERT_FALSE(context.has_value()) << group;
    EXPECT_EQ(context.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(ServerTest, TheKeeperGetsWhatItNeedsAndNeverTheCredential) {
  StartServer();
  const std::string answer =
      Ask("POST /v1/a%20b?limit=2 HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
          "\r\nContent-Type: application/json\r\nX-Casemate-Collection: c\r\n"
          "OpenAI-Beta: assistants=v2\r\nCookie: secret\r\nX-Forwarded-For: 1.2.3.4\r\n"
          "X-Casemate-Tenant: other\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"));
  ASSERT_EQ(backend_->seen.size(), 1u);
  const testing::Seen& seen = backend_->seen.front();
  EXPECT_EQ(seen.tenant, tenant_);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/v1/a b");
  EXPECT_EQ(seen.query, "limit=2");
  EXPECT_EQ(seen.body, "{}");
  EXPECT_EQ(seen.key, key_.id);
  EXPECT_EQ(seen.principal, key_.admitted.principal);
  EXPECT_EQ(seen.ceiling, policy::Label::kInternal);
  EXPECT_FALSE(seen.from_operator);
  std::vector<std::string> names;
  for (const Header& header : seen.headers) {
    names.push_back(header.name);
  }
  EXPECT_THAT(names,
              ::testing::ElementsAre("content-type", "x-casemate-collection", "openai-beta"));
}

TEST_F(ServerTest, EveryAnswerHasTheHeadersOfThisServer) {
  StartServer();
  const std::string answer = Ask(Get("/v1/models", "Connection: close\r\n"));
  for (const char* field : {"\r\nx-request-id: req_", "\r\ncache-control: no-store\r\n",
                            "\r\nx-content-type-options: nosniff\r\n", "\r\nconnection: close\r\n",
                            "\r\ncontent-length: 5\r\n"}) {
    EXPECT_THAT(answer, HasSubstr(field));
  }
  EXPECT_THAT(answer, Not(HasSubstr("server:")));
  EXPECT_THAT(answer, Not(HasSubstr("access-control-")));
}

TEST_F(ServerTest, AnyFlawOfTheCredentialIsTheSame401) {
  StartServer();
  testing::TestKey stranger = testing::MakeKey(tenant_);
  std::string wrong_secret = key_.bearer;
  wrong_secret[wrong_secret.size() - 5] = wrong_secret[wrong_secret.size() - 5] == 'a' ? 'b' : 'a';
  for (const std::string& field :
       {std::string(), "Authorization: " + stranger.bearer + "\r\n",
        "Authorization: " + wrong_secret + "\r\n", std::string("Authorization: Bearer\r\n"),
        std::string("Authorization: Bearer cm-x-y\r\n"),
        "Authorization: Basic " + key_.bearer.substr(7) + "\r\n",
        "Authorization: " + key_.bearer + "x\r\n",
        "Authorization: " + key_.bearer.substr(0, key_.bearer.size() - 1) + "\r\n",
        "Authorization: " + key_.bearer + "\r\nAuthorization: " + key_.bearer + "\r\n"}) {
    const std::string answer =
        Ask("GET /v1/models HTTP/1.1\r\nHost: a\r\n" + field + "Connection: close\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 Unauthorized\r\n")) << field;
    EXPECT_THAT(answer, HasSubstr("\"type\":\"authentication_error\""));
    EXPECT_THAT(answer, HasSubstr("\"param\":null"));
    EXPECT_THAT(answer, HasSubstr("\"code\":\"invalid_api_key\""));
  }
  EXPECT_TRUE(backend_->seen.empty());
  EXPECT_EQ(server_->counters().unauthenticated, 9u);
}

TEST_F(ServerTest, ConnectionsAreKeptAndPipelinedRequestsAnsweredInOrder) {
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send(Get("/1") + Get("/2") + Get("/3", "Connection: close\r\n"));
  const std::string answers = client.ReadAll();
  ASSERT_EQ(backend_->seen.size(), 3u);
  EXPECT_EQ(backend_->seen[0].path, "/1");
  EXPECT_EQ(backend_->seen[1].path, "/2");
  EXPECT_EQ(backend_->seen[2].path, "/3");
  EXPECT_EQ(server_->counters().connections, 1u);
  EXPECT_THAT(answers, ::testing::ContainsRegex("hello.*hello.*hello"));
}

TEST_F(ServerTest, AChunkedBodyArrivesWhole) {
  StartServer();
  EXPECT_THAT(Ask("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
                  "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                  "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(backend_->seen.at(0).body, "abcdefg");
}

TEST_F(ServerTest, ALargeBodyArrivesWhole) {
  options_.limits.max_body_bytes = std::size_t{4} * 1024 * 1024;
  StartServer();
  const std::string body(3 * 1024 * 1024 + 17, 'x');
  EXPECT_THAT(Ask("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
                  "\r\nContent-Length: " + std::to_string(body.size()) +
                  "\r\nConnection: close\r\n\r\n" + body),
              StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(backend_->seen.at(0).body.size(), body.size());
}

TEST_F(ServerTest, ABodyOverTheLimitIsRefusedBeforeItIsSent) {
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
              "\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  const std::string answer = client.ReadUntil("}}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer, HasSubstr("1001 bytes, at most 1000"));
  EXPECT_THAT(answer, HasSubstr("invalid_request_error"));
  EXPECT_TRUE(backend_->seen.empty());
}

TEST_F(ServerTest, AChunkedBodyOverTheLimitIsRefused) {
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
              "\r\nTransfer-Encoding: chunked\r\n\r\n" + "3e9\r\n" + std::string(1001, 'x'));
  EXPECT_THAT(client.ReadUntil("}}"), StartsWith("HTTP/1.1 413 "));
}

TEST_F(ServerTest, AClientThatAsksIsToldToContinue) {
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
              "\r\nContent-Length: 3\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("abc");
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(backend_->seen.at(0).body, "abc");
}

TEST_F(ServerTest, WhatIsNotHttpIsRefused) {
  StartServer();
  EXPECT_THAT(Ask("hello\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET /health HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET /health HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Ask("GET /%2f HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Ask("TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: " +
                  key_.bearer + "\r\n\r\n"),
              StartsWith("HTTP/1.1 405 "));
  EXPECT_TRUE(backend_->seen.empty());
}

TEST_F(ServerTest, HeadGetsTheHeadOnlyAndOptionsTheMethods) {
  StartServer();
  const std::string head = Ask(
      "HEAD /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: " + key_.bearer +
      "\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("content-length: 5\r\n"));
  EXPECT_THAT(head, ::testing::EndsWith("\r\n\r\n"));
  EXPECT_EQ(backend_->seen.at(0).method, "GET");
  EXPECT_THAT(Ask("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 204 No Content\r\nallow: GET, HEAD, POST, DELETE, OPTIONS"));
}

TEST_F(ServerTest, AStreamGoesOutChunkedAsItComes) {
  backend_->script.parts = {
      [] { return HttpHead{.status = 200, .headers = {{"content-type", "text/event-stream"}}}; },
      [] { return HttpBody{Plaintext::Copy("data: 1\n\n")}; },
      [] { return HttpBody{Plaintext()}; },
      [] { return HttpBody{Plaintext::Copy("data: 2\n\n")}; },
      [] { return HttpEnd{}; },
  };
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send(Get("/"));
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("transfer-encoding: chunked\r\n"));
  EXPECT_EQ(client.ReadUntil("0\r\n\r\n"), "9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n");
}

TEST_F(ServerTest, AClientThatLeavesCancelsItsRequest) {
  backend_->script.parts = {[] { return HttpHead{.status = 200}; },
                            [] { return HttpBody{Plaintext::Copy("a")}; }};
  backend_->script.hangs = true;
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send(Get("/"));
  client.ReadUntil("1\r\na\r\n");
  client.Close();
  backend_->WaitForCancel();  // the test would time out
}

TEST_F(ServerTest, ARevokedKeyEndsItsRequestsInFlight) {
  backend_->script.parts = {[] { return HttpHead{.status = 200}; },
                            [] { return HttpBody{Plaintext::Copy("a")}; }};
  backend_->script.hangs = true;
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send(Get("/"));
  client.ReadUntil("1\r\na\r\n");
  server_->SetAdmission({.keys = {}, .tenants = Table().tenants});
  backend_->WaitForCancel();
  EXPECT_THAT(client.ReadAll(), Not(HasSubstr("0\r\n\r\n")));  // cut off, not ended
  EXPECT_THAT(Ask(Get("/", "Connection: close\r\n")), StartsWith("HTTP/1.1 401 "));
}

TEST_F(ServerTest, ADeadKeeperIs503BeforeTheHeadAndACutOffBodyAfterIt) {
  backend_->script.parts = {};
  StartServer();
  const std::string before = Ask(Get("/", "Connection: close\r\n"));
  EXPECT_THAT(before, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(before, HasSubstr("\r\nretry-after: "));
  {
    const std::lock_guard lock(backend_->mutex);
    backend_->script.parts = {[] { return HttpHead{.status = 200}; },
                              [] { return HttpBody{Plaintext::Copy("abc")}; }};
  }
  const std::string after = Ask(Get("/"));
  EXPECT_THAT(after, ::testing::EndsWith("3\r\nabc\r\n"));
}

TEST_F(ServerTest, AnAnswerThatIsNotAsLongAsAnnouncedIsCutOff) {
  backend_->script.parts = {
      [] { return HttpHead{.status = 200, .headers = {}, .has_length = true, .length = 5}; },
      [] { return HttpBody{Plaintext::Copy("abcdef")}; }, [] { return HttpEnd{}; }};
  StartServer();
  EXPECT_THAT(Ask(Get("/", "Connection: close\r\n")), StartsWith("HTTP/1.1 500 "));
}

TEST_F(ServerTest, TheKeepersErrorsKeepTheirCode) {
  backend_->script.failure = {
      .code = ErrorCode::kNotFound, .message = "no such tenant", .param = {}, .detail = {}};
  StartServer();
  EXPECT_THAT(Ask(Get("/", "Connection: close\r\n")), StartsWith("HTTP/1.1 404 "));
}

TEST_F(ServerTest, SlowHeadersRunIntoTheirDeadline) {
  options_.header_timeout = std::chrono::milliseconds(50);
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n");
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(ServerTest, AStalledBodyRunsIntoItsTimeout) {
  options_.stall_timeout = std::chrono::milliseconds(50);
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
              "\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(backend_->seen.empty());
}

TEST_F(ServerTest, ABodyThatTricklesInDoesNotHoldItsPlaceAlthoughBytesCome) {
  options_.body_timeout = std::chrono::milliseconds(100);
  options_.min_body_rate = 1'000'000;
  StartServer();
  TlsClient client(server_->address(), {});
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
              "\r\nContent-Length: 1000\r\n\r\n");
  for (int i = 0; i < 20; ++i) {
    client.Send("a");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(backend_->seen.empty());
}

TEST_F(ServerTest, ALockedServerSaysSoWithTheRemedy) {
  StartServer();
  server_->Suspend(Admitting::kLocked);
  TlsClient client(server_->address(), {});
  client.Send("GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: " +
              key_.bearer + "\r\n\r\n");
  const std::string answer = client.ReadAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("casemate unlock"));
  EXPECT_THAT(answer, HasSubstr("\"locked\""));
}

TEST_F(ServerTest, AServerThatStartsLockedTurnsClientsAwayUntilItHasItsIdentity) {
  Result<std::unique_ptr<Server>> server =
      Server::Start(options_, testing::ListenOnLoopback(), UniqueFd(), backend_);
  ASSERT_TRUE(server.has_value());
  server_ = std::move(*server);
  server_->Suspend(Admitting::kLocked);

  UniqueFd early = testing::ConnectTo(server_->address());
  std::array<unsigned char, 16> alert{};
  ASSERT_EQ(::recv(early.get(), alert.data(), alert.size(), MSG_WAITALL), 7);
  EXPECT_THAT(std::span(alert).first(7), ::testing::ElementsAre(21, 3, 3, 0, 2, 2, 80));

  ASSERT_TRUE(server_->SetIdentity(testing::TestIdentity()).has_value());
  server_->SetAdmission(Table());
  EXPECT_THAT(Ask(Get("/v1/models", "Connection: close\r\n")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, DrainingEndsWhoWaitsAndLetsTheOthersFinish) {
  StartServer();
  TlsClient idle(server_->address(), {});
  TlsClient busy(server_->address(), {});
  busy.Send("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
            "\r\nContent-Length: 3\r\n\r\na");
  // Once its head has been read it is a request; until then it is dropped with the idle ones.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (server_->counters().requests == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::promise<void> drained;
  std::future<void> done = drained.get_future();
  server_->Drain([&drained] { drained.set_value(); });
  EXPECT_EQ(idle.ReadAll(), "");
  EXPECT_EQ(done.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  busy.Send("bc");
  EXPECT_THAT(busy.ReadAll(), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(done.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(ServerTest, AnIdleConnectionIsClosed) {
  options_.idle_timeout = std::chrono::milliseconds(50);
  StartServer();
  TlsClient client(server_->address(), {});
  EXPECT_EQ(client.ReadAll(), "");
}

TEST_F(ServerTest, AHandshakeThatDoesNotComeIsClosed) {
  options_.handshake_timeout = std::chrono::milliseconds(50);
  StartServer();
  const UniqueFd silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(static_cast<std::uint16_t>(
      std::stoi(server_->address().substr(server_->address().rfind(':') + 1))));
  ASSERT_EQ(::connect(silent.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  char byte = 0;
  EXPECT_LE(::recv(silent.get(), &byte, 1, 0), 0);
}

TEST_F(ServerTest, ConnectionsOverTheLimitGet503) {
  options_.max_connections = 1;
  StartServer();
  TlsClient first(server_->address(), {});
  ASSERT_TRUE(first.connected());
  EXPECT_THAT(Ask(Get("/")), StartsWith("HTTP/1.1 503 "));
  first.Send(Get("/", "Connection: close\r\n"));
  EXPECT_THAT(first.ReadAll(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, HealthAndReadyNeedNoKey) {
  StartServer();
  EXPECT_THAT(Ask("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Ask("GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(backend_->seen.empty());
}

TEST_F(ServerTest, TheOperatorsSocketActsAsTheTenantsOperator) {
  StartServer();
  Result<HttpClient> client = HttpClient::Connect(socket_path());
  ASSERT_TRUE(client.has_value()) << client.error().message;
  for (const std::vector<Header>& headers :
       {std::vector<Header>{}, std::vector<Header>{{"x-casemate-tenant", "default"}}}) {
    Result<ClientResponse> response = client->Send({.target = "/v1/files", .headers = headers});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body.view().Reveal(), "hello");
    const testing::Seen& seen = backend_->seen.back();
    EXPECT_EQ(seen.tenant, tenant_);
    EXPECT_EQ(seen.principal, operator_);
    EXPECT_TRUE(seen.key.is_none());
    EXPECT_TRUE(seen.from_operator);
    EXPECT_EQ(seen.ceiling, policy::kHighestLabel);
    EXPECT_EQ(seen.tls_group, "");
  }
  Result<ClientResponse> unknown = client->Send(
      {.target = "/v1/files", .headers = {{.name = "x-casemate-tenant", .value = "other"}}});
  ASSERT_TRUE(unknown.has_value());
  EXPECT_EQ(unknown->status, 404);
}

TEST_F(ServerTest, BeforeTheCustodianSpokeNothingIsReady) {
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, socket_path().c_str(), sizeof(name.sun_path) - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  ASSERT_EQ(::listen(listener.get(), 16), 0);
  Result<std::unique_ptr<Server>> server =
      Server::Start(options_, UniqueFd(), std::move(listener), backend_);
  ASSERT_TRUE(server.has_value());
  Result<HttpClient> client = HttpClient::Connect(socket_path());
  ASSERT_TRUE(client.has_value());
  for (const auto& [path, status] :
       {std::pair("/health", 200), std::pair("/ready", 503), std::pair("/v1/models", 503)}) {
    Result<ClientResponse> response = client->Send({.target = path});
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, status) << path;
  }
}

}  // namespace
}  // namespace casemate::net
