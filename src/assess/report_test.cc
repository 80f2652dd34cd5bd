#include "assess/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "assess/run_diff.h"
#include "assess/test_pipelines.h"

namespace casemate::assess {
namespace {

using testing::HasSubstr;
using testing::Not;

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    for (const char* name : {"at-rest-eu-keys", "confidential-computing", "eu-processor"}) {
      pipelines_.push_back(*ReadExample(name));
    }
    AssessOptions options = TestOptions(true);
    options.reference_only = true;
    for (const Pipeline& pipeline : pipelines_) {
      assessments_.push_back(Assess(pipeline, rules_, options));
    }
  }

  Report Of(const Language& language) {
    Report report{.rules = &rules_, .language = &language, .accepted = &accepted_, .version = "1"};
    for (std::size_t i = 0; i < pipelines_.size(); ++i) {
      report.pipelines.push_back(&pipelines_[i]);
      report.assessments.push_back(&assessments_[i]);
    }
    return report;
  }

  RuleSet rules_ = *BuiltInRules();
  Language en_ = *Language::BuiltIn("en");
  Language de_ = *Language::BuiltIn("de");
  std::vector<Acceptance> accepted_;
  std::vector<Pipeline> pipelines_;
  std::vector<Assessment> assessments_;
};

TEST(LanguageTest, BothLanguagesHaveTheSameTexts) {
  const Language en = *Language::BuiltIn("en");
  const Language de = *Language::BuiltIn("de");
  EXPECT_EQ(en.Names(), de.Names());
  EXPECT_FALSE(Language::BuiltIn("fr"));
  for (const std::string_view verdict : VerdictNames()) {
    EXPECT_NE(en.Get("verdict." + std::string(verdict)), "verdict." + std::string(verdict));
  }
  for (const std::string_view confidence : ConfidenceNames()) {
    const std::string name = "confidence." + std::string(confidence);
    EXPECT_NE(en.Get(name), name);
  }
  for (const std::string_view what :
       InfoOf(Kind::kStore).fields[RequireField(Kind::kStore, "holds")].words) {
    EXPECT_NE(en.Get("what." + std::string(what)), "what." + std::string(what)) << what;
  }
  EXPECT_EQ(en.Fill("change.becomes", {"{} a", "b"}), "{} a with b");  // what is put in stays
}

TEST_F(ReportTest, TheTableHasNineRowsAndThreeColumns) {
  const std::string table = RenderTable(Of(en_), false, 120);
  EXPECT_THAT(table, HasSubstr("storage thief, disk mishandling        stops"));
  EXPECT_THAT(table, HasSubstr("does not stop (window,"));
  EXPECT_THAT(table, HasSubstr("[1] behind it: does not stop"));
  EXPECT_THAT(table, Not(HasSubstr("\x1b[")));
  EXPECT_THAT(RenderTable(Of(en_), true, 120), HasSubstr("\x1b[31mdoes not stop"));
  EXPECT_THAT(RenderTable(Of(de_), false, 120), HasSubstr("Personal des Verarbeiters, heimlich"));
}

TEST_F(ReportTest, AnExplanationNamesRulesFactsAndSources) {
  const std::string text =
      RenderExplanation(Of(en_), assessments_[0], *assessments_[0].Find("cloud-act"));
  EXPECT_THAT(text, HasSubstr("[order-parent@vendor from 1]"));
  EXPECT_THAT(text,
              HasSubstr("vendor.parent = vendor-inc (documented; reference example; 2026-11-22)"));
  EXPECT_THAT(text, HasSubstr("18 U.S.C. § 2713"));
  EXPECT_THAT(text, HasSubstr("Cheapest change: raises cost with engine.tee: none"));
  const std::string stops =
      RenderExplanation(Of(en_), assessments_[2], *assessments_[2].Find("cloud-act"));
  EXPECT_THAT(stops,
              HasSubstr("acme.parent is none; were it somebody within reach: does not stop"));
  EXPECT_THAT(stops, HasSubstr("[order-seat]"));
}

TEST_F(ReportTest, CsvHasARowForEachCell) {
  const std::string csv = RenderCsv(Of(en_));
  EXPECT_THAT(
      csv,
      HasSubstr(
          "\"at-rest-eu-keys\",\"storage-thief\",\"storage thief, disk mishandling\",\"stops\""));
  EXPECT_EQ(std::ranges::count(csv, '\n'), 28);  // a head and 27 cells
}

TEST_F(ReportTest, HtmlNamesAreEscapedAndNothingIsLoaded) {
  ASSERT_TRUE(
      pipelines_[0].State({.element = "acme",
                           .field = "name",
                           .value = "<script>alert(1)</script>",
                           .evidence = {.source = "\"><img src=x>", .date = "2026-01-01"}}));
  const std::string html = RenderHtml(Of(en_));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(html, HasSubstr("class=\"zone\""));
  EXPECT_THAT(html, HasSubstr("<details class=\"stops\">"));
  EXPECT_THAT(RenderHtml(Of(de_)), HasSubstr("Klartextfenster"));
}

TEST_F(ReportTest, MarkdownIsATable) {
  EXPECT_THAT(RenderMarkdown(Of(en_)),
              HasSubstr("| datacenter insider (physical) | stops | stops | stops |"));
}

TEST_F(ReportTest, TwoRunsAreComparedByCellAndFact) {
  const std::string before = RenderJson(Of(en_));
  EXPECT_TRUE(CompareRuns(before, before)->empty());

  ASSERT_TRUE(pipelines_[2].State({.element = "acme",
                                   .field = "seat",
                                   .value = "US",
                                   .evidence = {.source = "register", .date = "2026-11-22"}}));
  AssessOptions options = TestOptions();
  options.reference_only = true;
  assessments_[2] = Assess(pipelines_[2], rules_, options);
  Result<RunChanges> changes = CompareRuns(before, RenderJson(Of(en_)));
  ASSERT_TRUE(changes) << changes.error().message;
  ASSERT_EQ(changes->cells.size(), 3U);  // discovery, CLOUD Act, FISA
  EXPECT_EQ(changes->cells.at(0).cell, "civil-discovery@eu-processor");
  EXPECT_EQ(changes->cells.at(0).kind, CellChange::Kind::kWorse);
  EXPECT_THAT(changes->cells.at(0).facts, testing::Contains("acme.seat: DE → US"));
  EXPECT_THAT(changes->contradictions, testing::IsEmpty());
  EXPECT_TRUE(changes->IsWorse());

  EXPECT_FALSE(CompareRuns("{}", before));
  EXPECT_FALSE(CompareRuns(before, "[]"));
  EXPECT_FALSE(CompareRuns("{\"report\":\"casemate-flows\"}", before));
}

std::string AcceptRefusal(const std::string& entry) {
  Result<std::vector<Acceptance>> read =
      ReadAccepted("casemate: accepted\nrisks:\n  - " + entry + "\n", "a.yaml");
  return read ? "(no error)" : read.error().message;
}

TEST(AcceptedTest, EveryRiskHasAnOwnerAnEndAndAReason) {
  EXPECT_EQ(AcceptRefusal("{cell: cloud-act@p, verdict: does-not-stop, owner: CISO, until: "
                          "2027-01-31, reason: pilot}"),
            "(no error)");
  EXPECT_EQ(
      AcceptRefusal("{cell: cloud-act@p, verdict: does-not-stop, until: 2027-01-31, reason: r}"),
      "a.yaml:3:5: \"owner\" is missing");
  EXPECT_THAT(AcceptRefusal("{cell: cloud-act@p, verdict: does-not-stop, owner: o, until: never, "
                            "reason: r}"),
              HasSubstr("for ever is nobody's"));
  EXPECT_THAT(
      AcceptRefusal("{cell: cloud-act, verdict: stops, owner: o, until: 2027-01-31, reason: r}"),
      HasSubstr("ADVERSARY@PIPELINE"));
  EXPECT_THAT(AcceptRefusal("{cell: a@p, verdict: fine, owner: o, until: 2027-01-31, reason: r}"),
              HasSubstr("verdict: expected"));
  EXPECT_FALSE(ReadAccepted("casemate: accepted\n", "a.yaml"));
}

TEST_F(ReportTest, AnAcceptanceEndsAndDoesNotCoverWorse) {
  accepted_ = *ReadAccepted(
      "casemate: accepted\nrisks:\n"
      "  - {cell: cloud-act@at-rest-eu-keys, verdict: does-not-stop, owner: CISO, until: "
      "2026-11-22, reason: pilot}\n"
      "  - {cell: fisa-702@at-rest-eu-keys, verdict: raises-cost, owner: CISO, until: 2027-01-01, "
      "reason: pilot}\n",
      "a.yaml");
  const auto state = [&](std::string_view row, std::string_view today) {
    return FindAcceptance(accepted_, *assessments_[0].Find(row), today).state;
  };
  EXPECT_EQ(state("cloud-act", "2026-11-22"), AcceptanceState::kAccepted);  // the last day counts
  EXPECT_EQ(state("cloud-act", "2026-11-23"), AcceptanceState::kExpired);
  EXPECT_EQ(state("fisa-702", "2026-11-22"), AcceptanceState::kOutgrown);
  EXPECT_EQ(state("co-tenant", "2026-11-22"), AcceptanceState::kNone);
  EXPECT_THAT(RenderTable(Of(en_), false, 120), HasSubstr("accepted by CISO until 2026-11-22"));
}

TEST_F(ReportTest, AGateClosesOnTheVerdictOrWorseOrPerhaps) {
  const Gate gate = *ParseGate("cloud-act=raises-cost@confidential", rules_);
  EXPECT_EQ(gate.label, "confidential");
  EXPECT_TRUE(Closes(gate, *assessments_[0].Find("cloud-act")));   // does not stop: worse
  EXPECT_FALSE(Closes(gate, *assessments_[2].Find("cloud-act")));  // stops
  EXPECT_FALSE(Closes(gate, *assessments_[0].Find("fisa-702")));
  Cell unknown = *assessments_[2].Find("cloud-act");
  unknown.verdict = Verdict::kUnknown;
  unknown.worst = Verdict::kDoesNotStop;
  EXPECT_TRUE(Closes(gate, unknown));
  EXPECT_TRUE(Closes(*ParseGate("any=unknown", rules_), unknown));
  for (const char* wrong : {"cloud-act", "cloud=does-not-stop", "cloud-act=stops", "cloud-act=bad",
                            "cloud-act@x=does-not-stop"}) {
    EXPECT_FALSE(ParseGate(wrong, rules_)) << wrong;
  }
}

TEST(StaleTest, FactsOlderThanHalfAYearAreListed) {
  Pipeline pipeline = *ReadExample("eu-processor");
  ASSERT_TRUE(pipeline.State(
      {.element = "engine",
       .field = "swap",
       .value = "off",
       .evidence = {
           .source = "old page", .date = "2026-05-25", .confidence = Confidence::kDocumented}}));
  const RuleSet rules = *BuiltInRules();
  const Assessment assessment = Assess(pipeline, rules, TestOptions());  // 2026-11-22: 181 days
  ASSERT_EQ(assessment.stale.size(), 1U);
  EXPECT_EQ(assessment.stale[0].days, 181);
  EXPECT_EQ(StaleTexts(*Language::BuiltIn("en"), assessment)[0], "old page: 1 facts, 181 days old");
}

}  // namespace
}  // namespace casemate::assess
