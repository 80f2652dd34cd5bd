#include "flows/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "json/reader.h"

namespace casemate::flows {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kHead =
    "[plan]\ntitle = \"t\"\nquantum = 2035-01-01\nsources = [\"bsi\", \"nis-cg\"]\n"
    "[labels]\nlow = \"normal\"\nmiddle = \"high\"\ntop = \"very-high\"\n";

const std::vector<PlanDate>& Dates() {
  static const std::vector<PlanDate> dates = ReadPlanDates(BuiltInDates(), "dates.toml").value();
  return dates;
}

std::string Hop(std::string_view name, std::string_view label, std::string_view years,
                std::string_view months, std::string_view more = "") {
  return "[[hop]]\nname = \"" + std::string(name) + "\"\nfrom = \"a\"\nto = \"b\"\nlabel = \"" +
         std::string(label) + "\"\nlifetime_years = " + std::string(years) +
         "\nmigration_months = " + std::string(months) + "\n" + std::string(more);
}

Plan Read(const std::string& hops) {
  Result<Plan> plan = ReadPlan(std::string(kHead) + hops, "p.toml", Dates());
  EXPECT_TRUE(plan.has_value()) << plan.error().message;
  return *plan;
}

std::string Refusal(const std::string& text) {
  const Result<Plan> plan = ReadPlan(text, "p.toml", Dates());
  return plan ? "accepted" : plan.error().message;
}

Day On(std::string_view text) { return ParseDay(text).value(); }

TEST(PlanTest, TheBuiltInDatesAreRecommendationsWithSourceAndDate) {
  ASSERT_GE(Dates().size(), 10U);
  for (const PlanDate& date : Dates()) {
    EXPECT_FALSE(date.document.empty());
    EXPECT_LE(date.document_date, date.checked) << date.id;
    EXPECT_EQ(date.says.find("must "), std::string::npos) << date.id;
  }
}

TEST(PlanTest, MoscasInequalityDecidesWhatIsLate) {
  // On 2026-01-01 nine years are left: 8 + 1 fits, 8 + 1.5 does not.
  const std::vector<PlannedHop> hops =
      MakePlan(Read(Hop("fits", "low", "7.9", "12", "verdict = \"classical\"\n") +
                    Hop("late", "low", "8", "18", "verdict = \"classical\"\n")),
               Dates(), On("2026-01-01"));
  ASSERT_EQ(hops.size(), 2U);
  EXPECT_EQ(hops[0].hop.name, "late");
  EXPECT_TRUE(hops[0].late);
  EXPECT_EQ(hops[0].urgency, Urgency::kOverdue);
  EXPECT_THAT(hops[0].why, HasSubstr("could be opened while it still matters"));
  EXPECT_FALSE(hops[1].late);
  EXPECT_EQ(hops[1].urgency, Urgency::kSoon);
  EXPECT_EQ(DayText(hops[1].mosca_start), "2026-02-06");
}

TEST(PlanTest, TheEarliestRecommendationForTheProtectionCounts) {
  const std::vector<PlannedHop> hops =
      MakePlan(Read(Hop("n", "low", "0", "0", "verdict = \"classical\"\n") +
                    Hop("h", "middle", "0", "0", "verdict = \"classical\"\n") +
                    Hop("v", "top", "0", "24", "verdict = \"classical\"\n")),
               Dates(), On("2026-11-23"));
  ASSERT_EQ(hops.size(), 3U);
  EXPECT_EQ(hops[0].hop.name, "v");  // both 2030 dates, two years before
  EXPECT_EQ(DayText(hops[0].latest_start), "2028-12-31");
  EXPECT_EQ(hops[1].hop.name, "h");
  EXPECT_EQ(hops[1].deadlines.front().date->id, "nis-cg-2030");
  EXPECT_EQ(hops[2].hop.name, "n");
  EXPECT_EQ(hops[2].deadlines.front().date->id, "bsi-2031");
  EXPECT_EQ(hops[2].urgency, Urgency::kLater);
}

TEST(PlanTest, ClosedHopsComeLastAndWhatNobodyLookedAtCountsAsOpen) {
  const std::vector<PlannedHop> hops = MakePlan(
      Read(Hop("done", "top", "30", "1", "verdict = \"hybrid-enforced\"\n") +
           Hop("local", "top", "30", "1", "verdict = \"local\"\n") + Hop("dark", "top", "30", "1") +
           Hop("bare", "low", "0", "0", "verdict = \"plain\"\n")),
      Dates(), On("2026-11-23"));
  ASSERT_EQ(hops.size(), 4U);
  EXPECT_EQ(hops[0].hop.name, "bare");
  EXPECT_EQ(hops[0].urgency, Urgency::kReadable);
  EXPECT_EQ(hops[1].hop.name, "dark");
  EXPECT_EQ(hops[1].state, HopState::kUnknown);
  EXPECT_THAT(hops[1].why, StartsWith("Nobody has looked at it"));
  EXPECT_EQ(hops[2].urgency, Urgency::kDone);
  EXPECT_TRUE(hops[2].actions.empty());
}

TEST(PlanTest, HopsOfOthersGetQuestionsAndAContractParagraph) {
  const std::vector<PlannedHop> hops = MakePlan(
      Read(Hop("theirs", "middle", "10", "12", "owner = \"Example GmbH\"\n") +
           Hop("ours", "middle", "10", "12", "server = \"nginx\"\nverdict = \"classical\"\n")),
      Dates(), On("2026-11-23"));
  const PlannedHop& theirs = hops[0].hop.owner.empty() ? hops[1] : hops[0];
  const PlannedHop& ours = hops[0].hop.owner.empty() ? hops[0] : hops[1];
  EXPECT_THAT(theirs.actions.front(), StartsWith("ask Example GmbH: "));
  EXPECT_THAT(theirs.contract, HasSubstr("Example GmbH begins to protect"));
  EXPECT_THAT(theirs.contract, HasSubstr("from 2030-12-31 at the latest"));
  EXPECT_THAT(theirs.contract, HasSubstr("data labelled \"middle\" does not pass"));
  EXPECT_THAT(theirs.contract, StartsWith("From 2026-11-23 on"));  // it cannot begin earlier
  EXPECT_TRUE(ours.contract.empty());
  EXPECT_THAT(ours.actions.back(), StartsWith("nginx:"));
}

TEST(PlanTest, VerdictsOfAProbeGoBeforeThoseOfTheFile) {
  Plan plan = Read(Hop("a", "low", "1", "1", "endpoint = \"h:443\"\nverdict = \"classical\"\n") +
                   Hop("b", "low", "1", "1", "endpoint = \"other:443\"\n"));
  TakeVerdicts(plan,
               {{"h:443", "hybrid-enforced"}, {"x:1", "classical"}, {"other:443", "nonsense"}});
  EXPECT_EQ(plan.hops[0].verdict, "hybrid-enforced");
  EXPECT_EQ(plan.hops[0].verdict_from, "the probe");
  EXPECT_EQ(plan.hops[1].verdict, "unknown");
  EXPECT_EQ(plan.hops[1].verdict_from, "nobody");
}

TEST(PlanTest, WhatDoesNotFitIsRefusedWithItsLine) {
  const std::string head(kHead);
  EXPECT_THAT(Refusal(head), HasSubstr("at least one [[hop]]"));
  EXPECT_THAT(Refusal(Hop("a", "low", "1", "1")), HasSubstr("expected a name of [labels]"));
  EXPECT_THAT(Refusal(head + Hop("a", "low", "201", "1")),
              StartsWith("p.toml:14: hop.lifetime_years: expected a number from 0 to 200"));
  EXPECT_THAT(Refusal(head + Hop("a", "low", "nan", "1")), HasSubstr("expected a number"));
  EXPECT_THAT(Refusal(head + Hop("a", "low", "1", "-1")), HasSubstr("hop.migration_months"));
  EXPECT_THAT(Refusal(head + Hop("a", "low", "1", "1", "verdict = \"good\"\n")),
              HasSubstr("hop.verdict: expected hybrid-enforced"));
  EXPECT_THAT(Refusal(head + Hop("a", "low", "1", "1", "colour = \"red\"\n")),
              HasSubstr("found 'colour'"));
  EXPECT_THAT(Refusal(head + Hop("a\\nb", "low", "1", "1")), HasSubstr("on one line"));
  EXPECT_THAT(Refusal("[plan]\ntitle = \"t\"\nquantum = \"2035\"\nsources = [\"bsi\"]\n"),
              HasSubstr("p.toml:3: plan.quantum: expected a date"));
  EXPECT_THAT(Refusal("[plan]\ntitle = \"t\"\nquantum = 2035-01-01\nsources = [\"me\"]\n"),
              HasSubstr("names among bsi, nis-cg, anssi, cnsa, nist, found 'me'"));
  EXPECT_THAT(Refusal(head + head), HasSubstr("expected"));
  EXPECT_THAT(Refusal(head + "[other]\n"), HasSubstr("found 'other'"));
  EXPECT_FALSE(ReadPlanDates("[[date]]\nid = \"x\"\n", "d").has_value());
  EXPECT_FALSE(ReadPlanDates("[other]\n", "d").has_value());
  for (const char* day : {"", "2026-13-01", "2026-1-1", "20261123--", "tomorrow", "0001-01-01"}) {
    EXPECT_FALSE(ParseDay(day).has_value()) << day;
  }
}

TEST(PlanTest, EveryFormEscapesWhatTheFileSays) {
  const Plan plan = Read(Hop("<b>|x", "low", "1", "1", "owner = \"A & \\\"B\\\"\"\n"));
  const Day today = On("2026-11-23");
  const std::vector<PlannedHop> hops = MakePlan(plan, Dates(), today);
  const PlanContext context{.today = today, .dates = &Dates()};
  const std::string html = RenderPlanHtml(plan, hops, context);
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;|x"));
  EXPECT_THAT(html, HasSubstr("A &amp; &quot;B&quot;"));
  EXPECT_THAT(html, Not(HasSubstr("<b>|x")));
  EXPECT_THAT(html, HasSubstr("from 2026-11-23"));
  const std::string markdown = RenderPlanMarkdown(plan, hops, context);
  EXPECT_THAT(markdown, HasSubstr("\\<b>\\|x"));
  EXPECT_THAT(markdown, HasSubstr("secondary source, checked 2026-11-22"));
  const json::Document json =
      json::Document::Parse(PlaintextView::Of(RenderPlanJson(plan, hops, context))).value();
  EXPECT_EQ(json.root().Get("hops")->Elements().at(0).Get("name")->AsString()->Reveal(), "<b>|x");
  EXPECT_EQ(json.root().Get("dates")->size(), 6U);  // bsi's three and nis-cg's three
}

}  // namespace
}  // namespace casemate::flows
