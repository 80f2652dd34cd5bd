#include "metrics/totals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace casemate::metrics {
namespace {

using ::testing::IsEmpty;

FamilySnapshot Of(const std::string& name, Type type, double value) {
  FamilySnapshot family{.name = name,
                        .help = "help",
                        .type = type,
                        .labels = {"model"},
                        .series = {{.values = {"m"}, .value = value, .buckets = {}}}};
  if (type == Type::kHistogram) {
    family.series[0].buckets.resize(kBuckets);
    family.series[0].buckets[3] = 1;
  }
  return family;
}

Report From(std::uint64_t process, std::vector<FamilySnapshot> families) {
  const Plaintext encoded = ipc::Encode(Snapshot{std::move(families)});
  const ByteView bytes = encoded.view().RevealBytes();
  return {.process = process, .snapshot = Bytes(bytes.begin(), bytes.end())};
}

Gathered Of(std::vector<Report> reports, std::uint32_t missing = 0) {
  return {.reports = std::move(reports), .missing = missing};
}

TEST(TotalsTest, TheNumbersOfAllProcessesAreAddedUp) {
  Totals totals;
  const auto sum = totals.Add(Of({From(1, {Of("casemate_a_total", Type::kCounter, 2)}),
                                  From(2, {Of("casemate_a_total", Type::kCounter, 3),
                                           Of("casemate_b_seconds", Type::kHistogram, 0.5)})}));
  ASSERT_EQ(sum.size(), 2U);
  EXPECT_EQ(sum[0].series.at(0).value, 5);
  EXPECT_EQ(sum[1].series.at(0).buckets[3], 1U);
}

TEST(TotalsTest, ACounterDoesNotFallWhenItsProcessEnds) {
  Totals totals;
  (void)totals.Add(Of(
      {From(1, {Of("casemate_a_total", Type::kCounter, 2), Of("casemate_g", Type::kGauge, 7)})}));
  const auto sum = totals.Add(Of({From(2, {Of("casemate_a_total", Type::kCounter, 1)})}));
  ASSERT_EQ(sum.size(), 1U);  // a gauge of a process that is gone says nothing any more
  EXPECT_EQ(sum[0].series.at(0).value, 3);
}

TEST(TotalsTest, AProcessThatDidNotAnswerInTimeIsNotTakenForDead) {
  Totals totals;
  (void)totals.Add(Of({From(1, {Of("casemate_a_total", Type::kCounter, 2)})}));
  EXPECT_EQ(totals.Add(Of({}, 1)).at(0).series.at(0).value, 2);
  EXPECT_EQ(totals.Add(Of({From(1, {Of("casemate_a_total", Type::kCounter, 4)})}))
                .at(0)
                .series.at(0)
                .value,
            4);
}

TEST(TotalsTest, ReportsThatAreBrokenAreLeftOut) {
  Totals totals;
  FamilySnapshot other_labels = Of("casemate_a_total", Type::kCounter, 1);
  other_labels.labels = {"x"};
  FamilySnapshot no_number = Of("casemate_n", Type::kGauge, std::nan(""));
  FamilySnapshot few_buckets = Of("casemate_h_seconds", Type::kHistogram, 1);
  few_buckets.series[0].buckets.resize(2);
  FamilySnapshot few_values = Of("casemate_v", Type::kGauge, 1);
  few_values.series[0].values.clear();
  FamilySnapshot no_type = Of("casemate_t", static_cast<Type>(9), 1);
  EXPECT_THAT(
      totals.Add(Of({From(1, {Of("other_a", Type::kGauge, 1), Of("casemate_x y", Type::kGauge, 1),
                              no_number, few_buckets, few_values, no_type}),
                     {.process = 2, .snapshot = Bytes(9, std::byte{0xff})},
                     {.process = 3, .snapshot = {}}})),
      IsEmpty());
  const auto sum = totals.Add(
      Of({From(4, {Of("casemate_a_total", Type::kCounter, 2)}), From(5, {other_labels})}));
  ASSERT_EQ(sum.size(), 1U);
  EXPECT_EQ(sum[0].series.at(0).value, 2);
}

}  // namespace
}  // namespace casemate::metrics
