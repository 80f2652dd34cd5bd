#include "net/hop_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "net/hop_json.h"

namespace casemate::net {
namespace {

using ::testing::HasSubstr;

HopFacts Client(const std::string& peer, const std::string& group = "X25519MLKEM768") {
  return {
      .hop = "clients", .peer = peer, .version = "TLSv1.3", .group = group, .minimum = "hybrid"};
}

class HopTableTest : public ::testing::Test {
 protected:
  std::int64_t now_ = 1000;
  std::shared_ptr<HopTable> Make(HopLimits limits = {}) {
    return HopTable::Make(limits, [this] { return now_; });
  }
};

TEST_F(HopTableTest, ConnectionsWithTheSameFactsAreOneRow) {
  const auto table = Make();
  auto first = table->Open(Client("192.0.2.1"));
  now_ = 1005;
  auto second = table->Open(Client("192.0.2.1"));
  first->Add(10, 200);
  second->Add(1, 2);
  now_ = 1010;
  first.reset();
  const HopSnapshot snapshot = table->Snapshot();
  ASSERT_EQ(snapshot.hops.size(), 1U);
  const HopRow& row = snapshot.hops.front();
  EXPECT_EQ(row.connections, 2U);
  EXPECT_EQ(row.open, 1U);
  EXPECT_EQ(row.bytes_in, 11U);
  EXPECT_EQ(row.bytes_out, 202U);
  EXPECT_EQ(row.first_seen, 1000);
  EXPECT_EQ(row.last_seen, 1010);
  EXPECT_EQ(snapshot.since, 1000);
}

TEST_F(HopTableTest, AnotherGroupCertificateOrDirectionIsAnotherRow) {
  const auto table = Make();
  HopFacts facts = Client("192.0.2.1");
  (void)table->Open(facts);
  (void)table->Open(Client("192.0.2.1", "x25519"));
  facts.made = true;
  (void)table->Open(facts);
  HopCertificate certificate;
  certificate.sha256 = "00";
  facts.certificate = std::make_shared<const HopCertificate>(certificate);
  (void)table->Open(facts);
  EXPECT_EQ(table->Snapshot().hops.size(), 4U);
}

TEST_F(HopTableTest, AFullTableForgetsTheOldestClosedRowAndKeepsItsCounts) {
  const auto table = Make({.hops = 2, .refusals = 2});
  const auto open = table->Open(Client("192.0.2.1"));  // the oldest, but still there
  now_ = 1001;
  table->Open(Client("192.0.2.2"))->Add(5, 6);
  now_ = 1002;
  (void)table->Open(Client("192.0.2.3"));
  const HopSnapshot snapshot = table->Snapshot();
  ASSERT_EQ(snapshot.hops.size(), 2U);
  EXPECT_EQ(snapshot.hops[0].facts.peer, "192.0.2.3");
  EXPECT_EQ(snapshot.hops[1].facts.peer, "192.0.2.1");
  EXPECT_EQ(snapshot.forgotten.hops, 1U);
  EXPECT_EQ(snapshot.forgotten.connections, 1U);
  EXPECT_EQ(snapshot.forgotten.bytes_in, 5U);
  EXPECT_EQ(snapshot.forgotten.bytes_out, 6U);
}

TEST_F(HopTableTest, BytesOfAForgottenRowsConnectionAreStillCounted) {
  const auto table = Make({.hops = 1, .refusals = 1});
  const auto forgotten = table->Open(Client("192.0.2.1"));
  const auto kept = table->Open(Client("192.0.2.2"));
  forgotten->Add(7, 8);
  const HopSnapshot snapshot = table->Snapshot();
  ASSERT_EQ(snapshot.hops.size(), 1U);
  EXPECT_EQ(snapshot.hops[0].bytes_in, 0U);
  EXPECT_EQ(snapshot.forgotten.bytes_in, 7U);
  EXPECT_EQ(snapshot.forgotten.bytes_out, 8U);
}

TEST_F(HopTableTest, RefusalsAreCountedByPeerAndReasonAndBounded) {
  const auto table = Make({.hops = 1, .refusals = 2});
  HopRefusal refusal{
      .hop = "clients", .peer = "192.0.2.9", .reason = "classical", .groups = "x25519"};
  table->Refuse(refusal);
  now_ = 1003;
  refusal.groups = "secp256r1";
  table->Refuse(refusal);
  refusal.peer = "192.0.2.10";
  table->Refuse(refusal);
  HopSnapshot snapshot = table->Snapshot();
  ASSERT_EQ(snapshot.refused.size(), 2U);
  EXPECT_EQ(snapshot.refused[1].count, 2U);
  EXPECT_EQ(snapshot.refused[1].first_seen, 1000);
  EXPECT_EQ(snapshot.refused[1].last_seen, 1003);
  EXPECT_EQ(snapshot.refused[1].refusal.groups, "secp256r1");
  refusal.peer = "192.0.2.11";
  table->Refuse(refusal);
  snapshot = table->Snapshot();
  EXPECT_EQ(snapshot.refused.size(), 2U);
  EXPECT_EQ(snapshot.forgotten.refusals, 2U);
}

TEST_F(HopTableTest, UsesFromManyThreadsAddUp) {
  const auto table = Make();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&table] {
      for (int j = 0; j < 200; ++j) {
        table->Open(Client("192.0.2.1"))->Add(1, 2);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const HopRow row = table->Snapshot().hops.at(0);
  EXPECT_EQ(row.connections, 800U);
  EXPECT_EQ(row.open, 0U);
  EXPECT_EQ(row.bytes_in, 800U);
  EXPECT_EQ(row.bytes_out, 1600U);
}

TEST_F(HopTableTest, TheJsonTellsWhatIsHybridClassicalAndLocal) {
  const auto table = Make();
  (void)table->Open(Client("192.0.2.1"));
  (void)table->Open(Client("192.0.2.2", "x25519"));
  (void)table->Open({.hop = "operator", .peer = "uid 0", .transport = HopTransport::kUnixSocket});
  table->Refuse({.hop = "clients",
                 .peer = "192.0.2.3",
                 .reason = "classical",
                 .detail = "say \"no\"",
                 .groups = "x25519"});
  const std::string text(
      HopsJson(table->Snapshot(), {.time = 1060, .minimum = "hybrid"}).view().Reveal());
  EXPECT_THAT(text, HasSubstr(R"("report":"casemate-hops","format":1)"));
  EXPECT_THAT(text, HasSubstr(R"("group":"X25519MLKEM768","verdict":"hybrid")"));
  EXPECT_THAT(text, HasSubstr(R"("group":"x25519","verdict":"classical")"));
  EXPECT_THAT(text, HasSubstr(R"("transport":"unix-socket","verdict":"local")"));
  EXPECT_THAT(text, HasSubstr(R"("reason":"classical","detail":"say \"no\"")"));
}

}  // namespace
}  // namespace casemate::net
