#include "custody/client/fake_release_client.h"

#include "custody/client/release_client_contract_test.h"

namespace casemate::custody {
namespace {

class FakeHarness : public ReleaseClientHarness {
 public:
  ReleaseClient& client() override { return fake_; }
  PrincipalId principal() override { return fake_.principal(); }
  ObjectRef tenant_object() override { return fake_.tenant_object(); }
  void RevokePrincipal() override { fake_.RevokePrincipal(); }

 private:
  FakeReleaseClient fake_;
};

INSTANTIATE_TEST_SUITE_P(Fake, ReleaseClientContractTest, testing::Values(ReleaseClientFactory([] {
                           return std::make_unique<FakeHarness>();
                         })));

TEST(FakeReleaseClientTest, EraseWithoutMirrorIsRefusedWhenAskedFor) {
  FakeHarness harness;
  auto& fake = static_cast<FakeReleaseClient&>(harness.client());
  fake.RequireNoMirror();
  Result<Ticket> ticket = fake.Request(harness.Everything());
  ASSERT_TRUE(ticket.has_value());
  const ObjectRef ref = fake.tenant_object();
  const Result<EraseReply> erased = fake.Erase(*ticket, {&ref, 1}, false);
  ASSERT_FALSE(erased.has_value());
  EXPECT_EQ(erased.error().code, ErrorCode::kInvalidArgument);
}

TEST(FakeReleaseClientTest, UnavailableFailsEveryCall) {
  FakeHarness harness;
  auto& fake = static_cast<FakeReleaseClient&>(harness.client());
  fake.SetUnavailable(true);
  const Result<Ticket> ticket = fake.Request(harness.Everything());
  ASSERT_FALSE(ticket.has_value());
  EXPECT_EQ(ticket.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace casemate::custody
