// Drives the built casemate-front, sandbox and all, between a supervisor, a custodian and keepers
// of this test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <string>

#include "net/fake_supervisor_test_support.h"
#include "net/server_test_support.h"
#include "net/unix_client.h"

namespace casemate::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::TlsClient;

class FrontProcessTest : public ::testing::Test {
 protected:
  FrontProcessTest() : tenant_(crypto::RandomId<TenantId>()), key_(testing::MakeKey(tenant_)) {
    std::string pattern = ::testing::TempDir() + "/casemate-front-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FrontProcessTest() override {
    custodian_.reset();
    supervisor_.reset();
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  void StartFront() {
    auto supervision = ipc::Channel::MakePair();
    auto custody = ipc::Channel::MakePair();
    ASSERT_TRUE(supervision.has_value() && custody.has_value());
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, supervision->second.get(), ipc::kSupervisorFd);
    std::string program = CASEMATE_FRONT;
    char* arguments[] = {program.data(), nullptr};
    ASSERT_EQ(::posix_spawn(&child_, program.c_str(), &actions, nullptr, arguments, environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    supervision->second.Reset();

    UniqueFd operator_listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, socket_path().c_str(), sizeof(name.sun_path) - 1);
    ASSERT_EQ(::bind(operator_listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
    ASSERT_EQ(::listen(operator_listener.get(), 16), 0);

    ipc::Frame setup;
    setup.type = ipc::SetupFront::kType;
    setup.payload = ipc::Encode(
        ipc::SetupFront{.hybrid_only = true,
                        .max_body_bytes = 200'000,
                        .max_connections = 64,
                        .groups = {"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"}});
    setup.fds.push_back(std::move(custody->second));
    setup.fds.push_back(testing::ListenOnLoopback());
    setup.fds.push_back(std::move(operator_listener));
    {
      ipc::Channel channel(std::move(supervision->first), ipc::ProcessKind::kSupervisor,
                           ipc::ProcessKind::kFront);
      ASSERT_TRUE(channel.Send(setup, 10'000).has_value());
      Result<ipc::Frame> ready = channel.Receive(10'000);
      ASSERT_TRUE(ready.has_value()) << ready.error().message;
      ASSERT_EQ(ready->type, ipc::MessageType::kReady);
      supervisor_ = std::make_unique<testing::FakeSupervisor>(std::move(channel), &testing::Echo);
    }
    custodian_ = ipc::Peer::Start(
        ipc::Channel(std::move(custody->first), ipc::ProcessKind::kCustodian,
                     ipc::ProcessKind::kFront),
        {.request = [](ipc::Incoming) {}, .notice = {}, .closed = [](const Error&) {}});
    custody::Admission table{.keys = {key_.admitted},
                             .tenants = {{.id = tenant_,
                                          .name = "default",
                                          .operator_principal = crypto::RandomId<PrincipalId>()}}};
    ASSERT_TRUE(custodian_->Notify(table).has_value());
    custody::Identity identity{
        .certificate_der = testing::TestIdentity().certificate_der,
        .authority_der = testing::TestIdentity().authority_der,
        .private_key_der = Plaintext::Copy(testing::TestIdentity().private_key_der.view())};
    ASSERT_TRUE(custodian_->Notify(identity).has_value());
    address_ = supervisor_->WaitForAddress();
  }
  std::string socket_path() const { return folder_ + "/s"; }

  TenantId tenant_;
  testing::TestKey key_;
  std::string folder_;
  std::string address_;
  pid_t child_ = -1;
  std::unique_ptr<testing::FakeSupervisor> supervisor_;
  std::unique_ptr<ipc::Peer> custodian_;
};

TEST_F(FrontProcessTest, ServesOverHybridTlsAndTheOperatorsSocketAndStopsWhenTold) {
  StartFront();
  {
    TlsClient client(address_, {});
    ASSERT_TRUE(client.connected());
    const std::string body(150'000, 'x');  // travels to the keeper in a memfd
    client.Send("POST /v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
                "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    const std::string answer = client.ReadAll();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\n/v1/x" + body));
  }
  EXPECT_FALSE(TlsClient(address_, {.groups = "X25519"}).connected());

  Result<HttpClient> client = HttpClient::Connect(socket_path());
  ASSERT_TRUE(client.has_value()) << client.error().message;
  Result<ClientResponse> response = client->Send({.target = "/v1/files"});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body.view().Reveal(), "/v1/files");
  EXPECT_EQ(supervisor_->keepers_started(), 1);

  supervisor_->KillKeepers();
  response = client->Send({.target = "/v1/again"});
  ASSERT_TRUE(response.has_value());
  if (response->status == 503) {  // the one that found out
    response = client->Send({.target = "/v1/again"});
    ASSERT_TRUE(response.has_value());
  }
  EXPECT_EQ(response->body.view().Reveal(), "/v1/again");

  ASSERT_TRUE(supervisor_->peer().Notify(ipc::Stop{}).has_value());
  int status = 0;
  ASSERT_EQ(::waitpid(child_, &status, 0), child_);
  child_ = -1;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(FrontProcessTest, LetsNobodyInWithoutItsCustodianAndGoesOnWithTheNextOne) {
  StartFront();
  const std::string request = "GET /v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: " + key_.bearer +
                              "\r\nConnection: close\r\n\r\n";
  const auto ask = [&] {
    TlsClient client(address_, {});
    client.Send(request);
    return client.ReadAll();
  };
  custodian_.reset();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::string answer = ask();
  while (!answer.starts_with("HTTP/1.1 503 ") && std::chrono::steady_clock::now() < until) {
    answer = ask();
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));

  auto custody = ipc::Channel::MakePair();
  ASSERT_TRUE(custody.has_value());
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(custody->second));
  ASSERT_TRUE(supervisor_->peer().Notify(ipc::AttachCustodian{}, std::move(fds)).has_value());
  custodian_ = ipc::Peer::Start(
      ipc::Channel(std::move(custody->first), ipc::ProcessKind::kCustodian,
                   ipc::ProcessKind::kFront),
      {.request = [](ipc::Incoming) {}, .notice = {}, .closed = [](const Error&) {}});
  custody::Admission table{.keys = {key_.admitted},
                           .tenants = {{.id = tenant_,
                                        .name = "default",
                                        .operator_principal = crypto::RandomId<PrincipalId>()}}};
  ASSERT_TRUE(custodian_->Notify(table).has_value());
  while (!answer.starts_with("HTTP/1.1 200 ") && std::chrono::steady_clock::now() < until) {
    answer = ask();
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace casemate::net
