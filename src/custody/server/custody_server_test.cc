#include "custody/server/custody_server.h"

#include "base/clock.h"
#include "custody/client/release_client_contract_test.h"
#include "custody/server/server_fixture_test.h"

namespace casemate::custody {
namespace {

using ipc::Channel;
using ipc::ProcessKind;

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
