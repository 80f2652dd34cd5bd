#include "custody/server/custody_server.h"

#include "base/clock.h"
#include "custody/client/release_client_contract_test.h"
#include "custody/client/socket_release_client.h"
#include "custody/server/deployment_fixture_test.h"
#include "ipc/peer.h"

namespace casemate::custody {
namespace {

using ipc::Channel;
using ipc::ProcessKind;

// A real server over SoftHSM2, one keeper, one operator, all in this process.
class SocketHarness : public ReleaseClientHarness {
 public:
  explicit SocketHarness(std::chrono::milliseconds lease = std::chrono::seconds(30)) {
    CustodyServer::Options options;
    options.lease = lease;
    options.custodian = deployment_.Make();
    server_ = std::make_unique<CustodyServer>(std::move(options));
    auto pair = Channel::MakePair();
    server_->AttachOperator(
        Channel(std::move(pair->first), ProcessKind::kCustodian, ProcessKind::kOperator));
    operator_ = ipc::Peer::Start(
        Channel(std::move(pair->second), ProcessKind::kOperator, ProcessKind::kCustodian),
        {[](ipc::Incoming) {}, [](const ipc::Frame&) {}, [](const Error&) {}});
    key_ = *operator_->Call<KeyCreateReply>(KeyCreate{});
    tenant_ = operator_->Call<TenantListReply>(TenantList{})->tenants.front().id;
    client_ = Attach(tenant_);
  }

  std::unique_ptr<SocketReleaseClient> Attach(const TenantId& tenant) {
    auto pair = Channel::MakePair();
    EXPECT_TRUE(server_->AttachKeeper(tenant, std::move(pair->first)).has_value());
    auto client = SocketReleaseClient::Start(
        Channel(std::move(pair->second), ProcessKind::kKeeper, ProcessKind::kCustodian), {});
    Result<Tenant> introduction = client->WaitForTenant(std::chrono::seconds(10));
    EXPECT_TRUE(introduction.has_value());
    tenant_object_ = introduction->tenant_object;
    return client;
  }

  ReleaseClient& client() override { return *client_; }
  PrincipalId principal() override { return key_.principal; }
  KeyId key() override { return key_.id; }
  ObjectRef tenant_object() override { return tenant_object_; }
  void RevokePrincipal() override {
    Result<KeyRevokeReply> revoked = operator_->Call<KeyRevokeReply>(KeyRevoke{key_.id});
    EXPECT_TRUE(revoked.has_value());
  }
  void Await(const std::function<bool()>& heard) override {
    const auto end = BootClock::now() + std::chrono::seconds(10);
    while (!heard() && BootClock::now() < end) {
      ::usleep(1000);
    }
  }

  ipc::Peer& operator_peer() { return *operator_; }
  CustodyServer& server() { return *server_; }
  void StopServer() {
    operator_.reset();
    server_.reset();
  }
  const TenantId& tenant() const { return tenant_; }

 private:
  Deployment deployment_;
  std::unique_ptr<CustodyServer> server_;
  std::unique_ptr<ipc::Peer> operator_;
  std::unique_ptr<SocketReleaseClient> client_;
  KeyCreateReply key_;
  TenantId tenant_;
  ObjectRef tenant_object_;
};

INSTANTIATE_TEST_SUITE_P(Socket, ReleaseClientContractTest,
                         testing::Values(ReleaseClientFactory([] {
                           return std::make_unique<SocketHarness>();
                         })));

TEST(CustodyServerTest, EraseWithoutMirrorIsRefusedAndSaysWhatToDo) {
  SocketHarness harness;
  Result<Ticket> ticket = harness.client().Request(harness.Everything());
  ASSERT_TRUE(ticket.has_value());
  const policy::Purpose purpose = policy::Purpose::kContent;
  Result<std::vector<Created>> made =
      harness.client().Create(*ticket, {NewObject{}}, {&purpose, 1});
  ASSERT_TRUE(made.has_value());

  const Result<EraseReply> erased = harness.client().Erase(*ticket, {&made->front().ref, 1}, false);

  ASSERT_FALSE(erased.has_value());
  EXPECT_EQ(erased.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(erased.error().message.find("custody.mirror"), std::string::npos);
  EXPECT_NE(erased.error().message.find("--no-mirror"), std::string::npos);
}

bool IsDark(const Lease& lease) {
  return !lease.With([](KeyView) -> Result<void> { return {}; }).has_value();
}

TEST(CustodyServerTest, LeasesAreRenewedWhileTheTicketLivesAndEndWithTheCustodian) {
  constexpr auto kLease = std::chrono::milliseconds(400);
  SocketHarness harness(kLease);
  Result<Ticket> ticket = harness.client().Request(harness.Everything());
  ASSERT_TRUE(ticket.has_value());
  const policy::Purpose purpose = policy::Purpose::kContent;
  Result<std::vector<Created>> made =
      harness.client().Create(*ticket, {NewObject{}}, {&purpose, 1});
  ASSERT_TRUE(made.has_value());
  const Lease& lease = made->front().leases.front();

  // Past its first end: only a renewal can have prolonged it.
  const auto begin = BootClock::now();
  while (BootClock::now() < begin + 2 * kLease) {
    ::usleep(10'000);
  }
  const bool renewed = !IsDark(lease);
  harness.StopServer();

  EXPECT_TRUE(renewed);
  const auto limit = BootClock::now() + std::chrono::seconds(20);
  while (!IsDark(lease) && BootClock::now() < limit) {
    ::usleep(10'000);
  }
  EXPECT_TRUE(IsDark(lease));
}

TEST(CustodyServerTest, AKeeperOfAnotherTenantOpensNothing) {
  SocketHarness harness;
  Result<TenantCreateReply> other =
      harness.operator_peer().Call<TenantCreateReply>(TenantCreate{"other"});
  ASSERT_TRUE(other.has_value()) << other.error().message;
  const auto keeper = harness.Attach(other->id);
  const Result<Ticket> ticket = keeper->Request(harness.Everything());
  ASSERT_FALSE(ticket.has_value());
  EXPECT_EQ(ticket.error().code, ErrorCode::kPermissionDenied);
}

TEST(CustodyServerTest, AttachKeeperRefusesAnUnknownTenant) {
  SocketHarness harness;
  auto pair = Channel::MakePair();
  const Result<void> attached = harness.server().AttachKeeper(TenantId(), std::move(pair->first));
  ASSERT_FALSE(attached.has_value());
  EXPECT_EQ(attached.error().code, ErrorCode::kNotFound);
}

TEST(CustodyServerTest, TheFrontLearnsIdentityAndEachChangeOfAdmission) {
  SocketHarness harness;
  auto pair = Channel::MakePair();
  ASSERT_TRUE(harness.server()
                  .AttachFront(
                      Channel(std::move(pair->first), ProcessKind::kCustodian, ProcessKind::kFront))
                  .has_value());
  Channel front(std::move(pair->second), ProcessKind::kFront, ProcessKind::kCustodian);
  Result<ipc::Frame> first = front.Receive(10'000);
  ASSERT_TRUE(first.has_value());
  Result<Identity> identity = ipc::Decode<Identity>(first->payload);
  ASSERT_TRUE(identity.has_value());
  EXPECT_FALSE(identity->private_key_der.empty());
  Result<ipc::Frame> second = front.Receive(10'000);
  ASSERT_TRUE(second.has_value());
  Result<Admission> admission = ipc::Decode<Admission>(second->payload);
  ASSERT_TRUE(admission.has_value());
  ASSERT_EQ(admission->keys.size(), 1U);
  EXPECT_EQ(admission->keys.front().id, harness.key());
  ASSERT_EQ(admission->tenants.size(), 1U);

  harness.RevokePrincipal();

  Result<ipc::Frame> third = front.Receive(10'000);
  ASSERT_TRUE(third.has_value());
  EXPECT_TRUE(ipc::Decode<Admission>(third->payload)->keys.empty());
}

TEST(CustodyServerTest, StatusAndListsSayWhatThereIs) {
  SocketHarness harness;
  Result<StatusReply> status = harness.operator_peer().Call<StatusReply>(StatusRequest{});
  ASSERT_TRUE(status.has_value()) << status.error().message;
  EXPECT_NE(status->token.find("AES-GCM"), std::string::npos);
  EXPECT_EQ(status->tenants.size(), 1U);
  Result<KeyListReply> keys = harness.operator_peer().Call<KeyListReply>(KeyList{});
  ASSERT_TRUE(keys.has_value());
  ASSERT_EQ(keys->keys.size(), 1U);
  EXPECT_FALSE(keys->keys.front().revoked);
}

TEST(CustodyServerTest, TheOperatorPrincipalNeedsNoKeyAndOthersDo) {
  SocketHarness harness;
  TicketRequest request = harness.Everything();
  request.key = KeyId();
  const Result<Ticket> ticket = harness.client().Request(request);
  ASSERT_FALSE(ticket.has_value());
  EXPECT_EQ(ticket.error().code, ErrorCode::kPermissionDenied);
}

}  // namespace
}  // namespace casemate::custody
