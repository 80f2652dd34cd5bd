#include "metrics/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casemate::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

FamilySnapshot RequestCounter() {
  return {.name = "casemate_requests_total",
          .help = "Requests",
          .type = Type::kCounter,
          .labels = {"route", "status"},
          .series = {{.values = {"/v1/files/{id}", "2xx"}, .value = 3, .buckets = {}}}};
}

FamilySnapshot Durations() {
  FamilySnapshot family{.name = "casemate_window_seconds",
                        .help = "Time",
                        .type = Type::kHistogram,
                        .labels = {},
                        .series = {{.values = {}, .value = 1.75, .buckets = {}}}};
  family.series[0].buckets.resize(kBuckets);
  family.series[0].buckets[9] = 1;   // 0.5
  family.series[0].buckets[10] = 2;  // 1
  return family;
}

// Prometheus text format 0.0.4, as its documentation shows it.
TEST(ExpositionTest, TheTextFormatHasHelpTypeAndSamples) {
  EXPECT_EQ(Write({RequestCounter()}, Format::kText),
            "# HELP casemate_requests_total Requests\n"
            "# TYPE casemate_requests_total counter\n"
            "casemate_requests_total{route=\"/v1/files/{id}\",status=\"2xx\"} 3\n");
}

// OpenMetrics 1.0: "The MetricFamily name of a Counter has no _total, its sample has"; "# EOF"
// ends.
TEST(ExpositionTest, OpenMetricsNamesTheFamilyWithoutTotalAndEndsWithEof) {
  EXPECT_EQ(Write({RequestCounter()}, Format::kOpenMetrics),
            "# HELP casemate_requests Requests\n"
            "# TYPE casemate_requests counter\n"
            "casemate_requests_total{route=\"/v1/files/{id}\",status=\"2xx\"} 3\n"
            "# EOF\n");
}

TEST(ExpositionTest, BucketsAreCumulativeAndEndWithInf) {
  const std::string text = Write({Durations()}, Format::kText);
  EXPECT_THAT(text, HasSubstr("# TYPE casemate_window_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("casemate_window_seconds_bucket{le=\"0.25\"} 0\n"
                              "casemate_window_seconds_bucket{le=\"0.5\"} 1\n"
                              "casemate_window_seconds_bucket{le=\"1.0\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("casemate_window_seconds_bucket{le=\"+Inf\"} 3\n"
                              "casemate_window_seconds_sum 1.75\n"
                              "casemate_window_seconds_count 3\n"));
}

TEST(ExpositionTest, AValueCannotForgeALine) {
  FamilySnapshot family = RequestCounter();
  family.series[0].values[0] = "a\"} 9\ncasemate_x 1\\";
  EXPECT_THAT(Write({family}, Format::kText), HasSubstr(R"(route="a\"} 9?casemate_x 1\\")"));
}

TEST(ExpositionTest, TheAcceptHeaderChooses) {
  EXPECT_EQ(FormatFor(""), Format::kText);
  EXPECT_EQ(FormatFor("*/*"), Format::kText);
  EXPECT_EQ(FormatFor("text/plain;version=0.0.4"), Format::kText);
  // What Prometheus 2.5x sends.
  EXPECT_EQ(FormatFor("application/openmetrics-text;version=1.0.0;q=0.8,"
                      "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5"),
            Format::kOpenMetrics);
  EXPECT_EQ(FormatFor("text/plain, application/openmetrics-text"), Format::kOpenMetrics);
  EXPECT_EQ(FormatFor("application/openmetrics-text;q=0"), Format::kText);
  EXPECT_EQ(FormatFor("application/openmetrics-textual"), Format::kText);
  EXPECT_THAT(std::string(ContentType(Format::kText)), HasSubstr("version=0.0.4"));
}

}  // namespace
}  // namespace casemate::metrics
