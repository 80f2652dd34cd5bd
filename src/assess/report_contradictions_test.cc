#include "assess/report_contradictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assess/oscal_text.h"
#include "assess/report_compliance.h"
#include "assess/run_diff.h"
#include "assess/test_pipelines.h"

namespace casemate::assess {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The EU-controlled processor, whose file says that the engine swaps nothing, on a machine that
// does; and a claim that no cell hangs on.
class ContradictionsTest : public testing::Test {
 protected:
  void SetUp() override {
    Found("engine", "location", "DE", "FR");
    Found("engine", "tenancy", "dedicated", "shared");
    assessment_ = Assess(pipeline_, rules_, options_);
    AddContradictions(assessment_, pipeline_, rules_, options_, contradictions_);
  }

  void Found(const std::string& element, const std::string& field, const std::string& claimed,
             const std::string& found) {
    contradictions_.push_back(
        {.id = {},
         .element = element,
         .field = field,
         .claimed = claimed,
         .claimed_by = {.source = "DPA | annex <2>",
                        .date = "2026-01-12",
                        .confidence = Confidence::kContract},
         .claimed_at = {.file = "my p.yaml", .mark = {.line = 7, .column = 3}},
         .found = found,
         .file = "export.json",
         .path = "properties." + field,
         .why = "it says so",
         .moves = {}});
    ASSERT_TRUE(pipeline_.State({.element = element,
                                 .field = field,
                                 .value = found,
                                 .evidence = {.source = "export.json", .date = "2026-11-22"}}))
        << element << field;
  }

  Report Of(const Language& language) {
    return {.pipelines = {&pipeline_},
            .assessments = {&assessment_},
            .rules = &rules_,
            .language = &language,
            .accepted = nullptr,
            .version = "1"};
  }

  RuleSet rules_ = *BuiltInRules();
  RegisterTable table_ = *BuiltInRegisterTable(rules_);
  Language en_ = *Language::BuiltIn("en");
  Language de_ = *Language::BuiltIn("de");
  AssessOptions options_ = TestOptions();
  Pipeline pipeline_ = *ReadExample("eu-processor");
  std::vector<Contradiction> contradictions_;
  Assessment assessment_;
};

TEST_F(ContradictionsTest, EachHasAnIdAndTheCellsThatItMoves) {
  ASSERT_EQ(assessment_.contradictions.size(), 2U);
  const Contradiction& tenancy = assessment_.contradictions[1];
  EXPECT_EQ(tenancy.id, "contradiction:engine.tenancy@eu-processor");
  ASSERT_EQ(tenancy.moves.size(), 1U);
  EXPECT_EQ(tenancy.moves[0].adversary->id, "co-tenant");
  EXPECT_EQ(tenancy.moves[0].claimed, Verdict::kStops);
  EXPECT_EQ(tenancy.moves[0].found, Verdict::kRaisesCost);
}

TEST_F(ContradictionsTest, ASecondOfTheSameFieldHasAnIdOfItsOwn) {
  std::vector<Contradiction> twice = {contradictions_[1], contradictions_[1]};
  AddContradictions(assessment_, pipeline_, rules_, options_, twice);
  EXPECT_EQ(assessment_.contradictions[0].id, "contradiction:engine.tenancy@eu-processor");
  EXPECT_EQ(assessment_.contradictions[1].id, "contradiction:engine.tenancy@eu-processor#2");
}

TEST_F(ContradictionsTest, TheTableTheMarkdownAndThePageShowThem) {
  const std::string table = RenderTable(Of(en_), false, 400);
  EXPECT_THAT(table, HasSubstr("\nContradictions\n  The table stands on the evidence."));
  EXPECT_THAT(
      table, HasSubstr("engine.tenancy: the description says dedicated (contract; DPA | annex <2>; "
                       "my p.yaml:7:3), export.json says shared (properties.tenancy: it says so)"));
  EXPECT_THAT(table, HasSubstr("would be \"stops\" instead of \"raises cost\""));
  EXPECT_THAT(table, HasSubstr("] evidence contradicts the description here: engine.tenancy"));
  EXPECT_THAT(RenderMarkdown(Of(en_)), HasSubstr("(contract; DPA \\| annex \\<2>; my p.yaml:7:3)"));
  const std::string page = RenderHtml(Of(de_));
  EXPECT_THAT(page, HasSubstr("<section class=\"finding\"><h2>Widersprüche</h2>"));
  EXPECT_THAT(page, HasSubstr("Die Beschreibung berichtigen"));
  EXPECT_THAT(page, HasSubstr("<code>engine.tenancy</code>"));
  EXPECT_THAT(page, HasSubstr("DPA | annex &lt;2&gt;"));
}

TEST_F(ContradictionsTest, WhereThereAreNoneNothingIsSaid) {
  assessment_.contradictions.clear();
  for (const std::string& text : {RenderTable(Of(en_), false, 120), RenderMarkdown(Of(en_))}) {
    EXPECT_THAT(text, Not(HasSubstr("ontradiction")));
  }
  EXPECT_THAT(RenderHtml(Of(en_)), Not(HasSubstr("class=\"finding\"")));
  EXPECT_THAT(RenderJson(Of(en_)), HasSubstr("\"contradictions\":[]"));
}

TEST_F(ContradictionsTest, JsonHasBothSidesAndTheMoves) {
  EXPECT_THAT(
      RenderJson(Of(de_)),
      HasSubstr(
          R"({"id":"contradiction:engine.tenancy@eu-processor","element":"engine","field":"tenancy",)"
          R"("claimed":"dedicated","claimed_confidence":"contract","claimed_source":"DPA | annex <2>",)"
          R"("claimed_date":"2026-01-12","claimed_at":"my p.yaml:7:3","found":"shared",)"
          R"("file":"export.json","path":"properties.tenancy","why":"it says so","moves":)"
          R"([{"cell":"co-tenant@eu-processor","claimed":"stops","found":"raises-cost"}]})"));
}

TEST_F(ContradictionsTest, SarifPointsAtTheLineOfTheClaimAndAtTheEvidence) {
  const std::string sarif = *RenderCompliance("sarif", Of(en_), table_);
  EXPECT_THAT(sarif, HasSubstr(R"({"id":"assess/contradiction","shortDescription":)"));
  EXPECT_THAT(sarif,
              HasSubstr(R"({"ruleId":"assess/contradiction","level":"error","kind":"fail",)"));
  EXPECT_THAT(
      sarif,
      HasSubstr(
          R"({"physicalLocation":{"artifactLocation":{"uri":"my%20p.yaml"},"region":{"startLine":7,)"
          R"("startColumn":3}},"logicalLocations":[{"fullyQualifiedName":"engine.tenancy"}],)"
          R"("message":{"text":"engine.tenancy = dedicated"}})"));
  EXPECT_THAT(sarif, HasSubstr(R"({"artifactLocation":{"uri":"export.json"}})"));
  EXPECT_THAT(
      sarif,
      HasSubstr(
          R"("contradiction/v1":"contradiction:engine.tenancy@eu-processor dedicated shared")"));
  assessment_.contradictions[1].exported = false;
  assessment_.contradictions.erase(assessment_.contradictions.begin());
  EXPECT_THAT(*RenderCompliance("sarif", Of(en_), table_), Not(HasSubstr("export.json\"}")));
}

TEST_F(ContradictionsTest, TheRegisterHasARowForEachWithTheLevelOfWhatHangsOnIt) {
  const std::string csv = *RenderCompliance("register", Of(en_), table_);
  EXPECT_THAT(csv, HasSubstr("\"contradiction:engine.tenancy@eu-processor\",\"engine\","));
  EXPECT_THAT(csv, HasSubstr("\"co-tenant, multi-tenancy leak\",\"contradiction\""));
  EXPECT_THAT(csv, HasSubstr("\"Correct the description, or change the setting"));
  EXPECT_THAT(*RenderCompliance("register-md", Of(en_), table_),
              HasSubstr("\n### Contradictions: "));
}

TEST_F(ContradictionsTest, OscalHasAnObservationARiskAFindingAndAnItemForEach) {
  const std::string observation =
      R"({"observation-uuid":")" +
      ReportUuid("observation contradiction:engine.tenancy@eu-processor") + "\"}";
  const std::string risk =
      R"({"risk-uuid":")" + ReportUuid("risk contradiction:engine.tenancy@eu-processor") + "\"}";
  for (const char* format : {"oscal-ar", "oscal-poam"}) {
    const std::string text = *RenderCompliance(format, Of(en_), table_);
    EXPECT_THAT(text, HasSubstr(observation)) << format;
    EXPECT_THAT(text, HasSubstr(risk)) << format;
    EXPECT_THAT(text, HasSubstr(R"("title":"Contradictions: engine.tenancy")")) << format;
    EXPECT_THAT(text, HasSubstr(R"("relevant-evidence":[{"href":"export.json",)")) << format;
  }
}

TEST_F(ContradictionsTest, TwoRunsAreComparedByThemToo) {
  const std::string with = RenderJson(Of(en_));
  assessment_.contradictions[1].found = "unknown";
  const std::string other = RenderJson(Of(en_));
  assessment_.contradictions.pop_back();
  const std::string without = RenderJson(Of(en_));

  const RunChanges come = *CompareRuns(without, with);
  EXPECT_THAT(come.cells, IsEmpty());
  ASSERT_EQ(come.contradictions.size(), 1U);
  EXPECT_EQ(come.contradictions[0].kind, CellChange::Kind::kNew);
  EXPECT_EQ(come.contradictions[0].after, "dedicated, found shared");
  EXPECT_TRUE(come.IsWorse());
  const RunChanges gone = *CompareRuns(with, without);
  EXPECT_EQ(gone.contradictions.at(0).kind, CellChange::Kind::kGone);
  EXPECT_FALSE(gone.IsWorse());
  EXPECT_EQ(CompareRuns(with, other)->contradictions.at(0).kind, CellChange::Kind::kChanged);
  EXPECT_TRUE(CompareRuns(with, with)->empty());
}

}  // namespace
}  // namespace casemate::assess
