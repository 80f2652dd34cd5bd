#include "custody/server/custody_server.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

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

// What a front is told, and how often it was asked to confirm.
struct ListeningFront {
  explicit ListeningFront(CustodyServer& server) {
    auto pair = Channel::MakePair();
    EXPECT_TRUE(server
                    .AttachFront(Channel(std::move(pair->first), ProcessKind::kCustodian,
                                         ProcessKind::kFront))
                    .has_value());
    ipc::Peer::Handlers handlers;
    handlers.notice = [this](const ipc::Frame& frame) { Take(frame.type, frame.payload); };
    handlers.request = [this](ipc::Incoming incoming) {
      Take(incoming.type(), incoming.payload());
      ++confirmed;
      incoming.Reply(AdmissionReply{});
    };
    handlers.closed = [](const Error&) {};
    peer = ipc::Peer::Start(
        Channel(std::move(pair->second), ProcessKind::kFront, ProcessKind::kCustodian),
        std::move(handlers));
  }
  void Take(ipc::MessageType type, PlaintextView payload) {
    const std::lock_guard lock(mutex);
    if (type == Identity::kType) {
      identity = *ipc::Decode<Identity>(payload);
    } else {
      admission = *ipc::Decode<Admission>(payload);
      changed.notify_all();
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Identity> identity;
  std::optional<Admission> admission;
  std::atomic<int> confirmed = 0;
  std::unique_ptr<ipc::Peer> peer;  // last: its threads end first
};

TEST(CustodyServerTest, AFreshFrontLearnsIdentityAndAdmission) {
  SocketHarness harness;
  ListeningFront front(harness.server());
  std::unique_lock lock(front.mutex);
  ASSERT_TRUE(front.changed.wait_for(lock, std::chrono::seconds(10),
                                     [&] { return front.admission.has_value(); }));
  ASSERT_TRUE(front.identity.has_value());
  EXPECT_FALSE(front.identity->private_key_der.empty());
  ASSERT_EQ(front.admission->keys.size(), 1U);
  EXPECT_EQ(front.admission->keys.front().id, harness.key());
  ASSERT_EQ(front.admission->tenants.size(), 1U);
}

TEST(CustodyServerTest, ARevocationReturnsWhenTheFrontNoLongerAdmits) {
  SocketHarness harness;
  ListeningFront front(harness.server());

  harness.RevokePrincipal();

  EXPECT_EQ(front.confirmed, 1);
  const std::lock_guard lock(front.mutex);
  ASSERT_TRUE(front.admission.has_value());
  EXPECT_TRUE(front.admission->keys.empty());
}

TEST(CustodyServerTest, AKeyThatWasMadeIsLetInAtOnce) {
  SocketHarness harness;
  ListeningFront front(harness.server());

  const Result<KeyCreateReply> made = harness.Ask<KeyCreateReply>(KeyCreate{});

  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(front.confirmed, 1);
  const std::lock_guard lock(front.mutex);
  ASSERT_TRUE(front.admission.has_value());
  EXPECT_EQ(front.admission->keys.size(), 2U);
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
