#include "metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <type_traits>

namespace casemate::metrics {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Nothing that is known at run time only becomes a label by itself.
static_assert(!std::is_convertible_v<std::string, LabelValue>);
static_assert(!std::is_convertible_v<std::string_view, LabelValue>);

FamilySnapshot Find(const std::string& name) {
  for (FamilySnapshot& family : Read().families) {
    if (family.name == name) {
      return family;
    }
  }
  return {};
}

TEST(MetricsTest, ACounterStandsAtZeroFromTheStartAndCountsAcrossThreads) {
  Counter counter("casemate_test_a_total", "help");
  EXPECT_EQ(Find("casemate_test_a_total").series.at(0).value, 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counter] {
      for (int j = 0; j < 1000; ++j) {
        counter.Add();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(Find("casemate_test_a_total").series.at(0).value, 4000);
}

TEST(MetricsTest, LabelsKeepTheirOrderAndSeriesApart) {
  Counter counter("casemate_test_b_total", "help", {"route", "status"});
  EXPECT_THAT(Find("casemate_test_b_total").series, IsEmpty());
  counter.Add({"/v1/files", "2xx"}, 2);
  counter.Add({"/v1/files", "4xx"});
  const FamilySnapshot family = Find("casemate_test_b_total");
  ASSERT_EQ(family.series.size(), 2U);
  EXPECT_THAT(family.labels, ElementsAre("route", "status"));
  EXPECT_THAT(family.series[0].values, ElementsAre("/v1/files", "2xx"));
  EXPECT_EQ(family.series[0].value, 2);
}

TEST(MetricsTest, AHistogramPutsEachValueIntoTheFirstBucketThatHoldsIt) {
  Histogram histogram("casemate_test_c_seconds", "help");
  histogram.Observe(0.0005);  // the end belongs to the bucket: "le"
  histogram.Observe(0.3);
  histogram.Observe(1e9);
  const Series series = Find("casemate_test_c_seconds").series.at(0);
  ASSERT_EQ(series.buckets.size(), kBuckets);
  EXPECT_EQ(series.buckets.front(), 1U);
  EXPECT_EQ(series.buckets.back(), 1U);
  EXPECT_EQ(series.buckets[9], 1U);  // 0.5
  EXPECT_DOUBLE_EQ(series.value, 0.0005 + 0.3 + 1e9);
}

TEST(MetricsTest, ManyLabelsEndInOther) {
  Counter counter("casemate_test_d_total", "help", {"model"});
  for (std::size_t i = 0; i < kMaxSeries + 50; ++i) {
    counter.Add({LabelValue::FromConfiguration("m" + std::to_string(i))});
  }
  const FamilySnapshot family = Find("casemate_test_d_total");
  EXPECT_EQ(family.series.size(), kMaxSeries + 1);
  const auto other =
      std::ranges::find(family.series, std::vector<std::string>{"other"}, &Series::values);
  ASSERT_NE(other, family.series.end());
  EXPECT_EQ(other->value, 50);
}

TEST(MetricsTest, AGaugeMayBeReadOnlyWhenSomebodyAsks) {
  Gauge gauge("casemate_test_e", "help");
  int asked = 0;
  {
    const Collector collector([&] { gauge.Set(++asked); });
    EXPECT_EQ(Find("casemate_test_e").series.at(0).value, 1);
    EXPECT_EQ(Find("casemate_test_e").series.at(0).value, 2);
  }
  EXPECT_EQ(Find("casemate_test_e").series.at(0).value, 2);
  EXPECT_EQ(asked, 2);
}

TEST(MetricsTest, WhatIsGoneIsNotRead) {
  {
    const Counter counter("casemate_test_f_total", "help");
  }
  EXPECT_EQ(Find("casemate_test_f_total").name, "");
}

}  // namespace
}  // namespace casemate::metrics
