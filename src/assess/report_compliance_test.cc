#include "assess/report_compliance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assess/test_pipelines.h"
#include "assess/third_country.h"

namespace casemate::assess {
namespace {

using testing::HasSubstr;
using testing::Not;

class ComplianceTest : public testing::Test {
 protected:
  void Use(Pipeline pipeline) {
    pipeline_ = std::move(pipeline);
    assessment_ = Assess(pipeline_, rules_, TestOptions(true));
  }
  std::string Render(std::string_view format, const char* code = "en") {
    const Language language = *Language::BuiltIn(code);
    const Report report{.pipelines = {&pipeline_},
                        .assessments = {&assessment_},
                        .rules = &rules_,
                        .language = &language,
                        .accepted = &accepted_,
                        .version = "1"};
    return RenderCompliance(format, report, table_).value_or("no such format");
  }

  RuleSet rules_ = *BuiltInRules();
  RegisterTable table_ = *BuiltInRegisterTable(rules_);
  std::vector<Acceptance> accepted_;
  Pipeline pipeline_ = *ReadExample("at-rest-eu-keys");
  Assessment assessment_;
};

TEST_F(ComplianceTest, EveryFormatIsWrittenInBothLanguagesAndAlwaysTheSame) {
  Use(*ReadExample("at-rest-eu-keys"));
  for (const std::string_view format : ComplianceFormats()) {
    for (const char* code : {"en", "de"}) {
      const std::string text = Render(format, code);
      EXPECT_GT(text.size(), 1000U) << format;
      EXPECT_EQ(text, Render(format, code)) << format;
      // A text that is missing is printed as its name.
      for (const char* name : {"register.", "dpia.", "tia.", "oscal.", "sarif.", "window."}) {
        EXPECT_THAT(text, Not(HasSubstr(" " + std::string(name)))) << format << code;
      }
      EXPECT_THAT(text, Not(HasSubstr("{}"))) << format << code;
    }
  }
  EXPECT_EQ(Render("pdf"), "no such format");
}

TEST_F(ComplianceTest, SarifHasAResultForEachCellThatIsNotStopped) {
  Use(*ReadExample("at-rest-eu-keys"));
  const std::string sarif = Render("sarif");
  EXPECT_THAT(sarif, HasSubstr(R"("ruleId":"assess/cloud-act","level":"error")"));
  EXPECT_THAT(sarif, HasSubstr(R"("cellVerdict/v1":"cloud-act@at-rest-eu-keys does-not-stop")"));
  EXPECT_THAT(sarif, HasSubstr(R"("uri":"at-rest-eu-keys.yaml")"));
  EXPECT_THAT(sarif, Not(HasSubstr(R"("ruleId":"assess/storage-thief")")));
}

TEST_F(ComplianceTest, OscalIdsFollowTheRiskAndTheDayIsThatOfTheAssessment) {
  Use(*ReadExample("at-rest-eu-keys"));
  const std::string results = Render("oscal-ar");
  EXPECT_THAT(results, HasSubstr(R"("last-modified":"2026-11-22T00:00:00Z")"));
  EXPECT_THAT(results, HasSubstr(R"("methods":["EXAMINE"])"));
  EXPECT_THAT(results, HasSubstr(R"("target-id":"sa-9_obj","status":{"state":"not-satisfied"})"));
  EXPECT_THAT(results, Not(HasSubstr("storage-thief@")));  // stopped
  // The same risk has the same id in both documents, whatever the day.
  const std::string key = "{\"uuid\":\"";
  const std::string plan = Render("oscal-poam");
  const std::size_t at = plan.find(key, plan.find("\"risks\""));
  const std::string id = plan.substr(at + key.size(), 36);
  EXPECT_EQ(id[14], '5');
  EXPECT_THAT(results, HasSubstr(R"("risk-uuid":")" + id));
  assessment_.today = "2027-01-01";
  EXPECT_THAT(Render("oscal-poam"), HasSubstr(id));
}

TEST_F(ComplianceTest, AnAcceptedRiskIsADeviationUntilItsEnd) {
  Use(*ReadExample("at-rest-eu-keys"));
  accepted_ = {{.cell = "cloud-act@at-rest-eu-keys",
                .verdict = Verdict::kDoesNotStop,
                .owner = "CISO",
                .until = "2027-01-31",
                .reason = "pilot"}};
  EXPECT_THAT(Render("oscal-poam"), HasSubstr("\"status\":\"deviation-approved\""));
  EXPECT_THAT(Render("oscal-poam"), HasSubstr("\"deadline\":\"2027-01-31T00:00:00Z\""));
  EXPECT_THAT(Render("sarif"), HasSubstr("\"justification\":\"CISO, 2027-01-31: pilot\""));
  EXPECT_THAT(Render("dpia"), HasSubstr("accepted by CISO until 2027-01-31: pilot"));
}

TEST_F(ComplianceTest, AParentInAThirdCountryBehindPlaintextIsNamedWithTheUseCase) {
  Use(*ReadExample("at-rest-eu-keys"));
  const std::vector<ThirdCountry> third = ThirdCountries(pipeline_, assessment_, table_);
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(third[0].place, "engine");
  EXPECT_EQ(third[0].seat, "US");
  EXPECT_EQ(third[0].role, ThirdCountry::Role::kParent);
  EXPECT_THAT(Render("tia"), HasSubstr("use case 7"));
  ASSERT_TRUE(pipeline_.State({.element = "vendor",
                               .field = "seat",
                               .value = "US",
                               .evidence = {.source = "test", .date = "2026-11-22"}}));
  Use(pipeline_);
  const std::string tia = Render("tia");
  EXPECT_THAT(tia, HasSubstr("| engine | Vendor Ireland Ltd. | US | runs a place with plaintext | "
                             "use case 6"));
  EXPECT_THAT(tia, HasSubstr("EDPB, Recommendations 01/2020 v2.0, Annex 2, use cases 1, 6 and 7"));
  EXPECT_THAT(tia, HasSubstr("a legal order still reaches plaintext"));
  EXPECT_THAT(tia, HasSubstr("Encryption at rest with customer-managed keys (documents)"));
}

TEST_F(ComplianceTest, WhereNoThirdCountryIsBehindItNoUseCaseIsCited) {
  Use(*ReadExample("eu-processor"));
  const std::string tia = Render("tia");
  EXPECT_THAT(tia, Not(HasSubstr("use case 6")));
  EXPECT_THAT(tia, HasSubstr("none of the orders that were looked at reaches plaintext"));
  for (const char* step : {"## 1.", "## 2.", "## 3.", "## 4.", "## 5.", "## 6."}) {
    EXPECT_THAT(tia, HasSubstr(step));
  }
}

TEST_F(ComplianceTest, ASeatThatNobodyStatedCountsAsAThirdCountry) {
  ASSERT_TRUE(
      pipeline_.State({.element = "vendor", .field = "seat", .value = "unknown", .evidence = {}}));
  Use(pipeline_);
  EXPECT_THAT(Render("tia"), HasSubstr("| engine | Vendor Ireland Ltd. | unknown |"));
}

TEST_F(ComplianceTest, AffiliatesAndSubProcessorsCountUnlessTheyGetNothing) {
  const auto state = [&](const char* field, const char* value) {
    ASSERT_TRUE(pipeline_.State({.element = "vendor",
                                 .field = field,
                                 .value = value,
                                 .evidence = {.source = "test", .date = "2026-11-22"}}));
  };
  const auto count = [&] {
    Use(pipeline_);
    return ThirdCountries(pipeline_, assessment_, table_).size();
  };
  state("parent", "none");
  EXPECT_EQ(count(), 0U);
  state("affiliates", "vendor-inc");
  EXPECT_EQ(count(), 0U);
  state("affiliates_can_obtain", "unknown");
  EXPECT_EQ(count(), 1U);
  state("sub_processors", "vendor-inc");
  EXPECT_EQ(count(), 1U);
  state("sub_processors_see", "plaintext");
  EXPECT_EQ(count(), 2U);
}

TEST_F(ComplianceTest, TheImpactAssessmentHasItsSevenSectionsAndSaysWhoDoesTheRest) {
  Use(*ReadExample("at-rest-eu-keys"));
  const std::string dpia = Render("dpia");
  for (const char* section : {"## 0.", "## 1.", "## 2.", "## 3.", "## 4.", "## 5.", "## 6."}) {
    EXPECT_THAT(dpia, HasSubstr(section));
  }
  EXPECT_THAT(dpia, HasSubstr("- [ ] Legal basis under Art. 6, and Art. 9 where it applies: **to "
                              "be done by ACME GmbH**"));
  EXPECT_THAT(dpia, HasSubstr("**to be done by the data protection officer**"));
  EXPECT_THAT(dpia, HasSubstr("| Vendor Ireland Ltd. | engine, documents | IE | vendor-inc |"));
}

}  // namespace
}  // namespace casemate::assess
