#include "assess/register.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "assess/report_compliance.h"
#include "assess/test_pipelines.h"

namespace casemate::assess {
namespace {

using testing::HasSubstr;
using testing::Not;

class RegisterTest : public testing::Test {
 protected:
  void Use(const char* name) { Use(*ReadExample(name)); }
  void Use(Pipeline pipeline) {
    pipeline_ = std::move(pipeline);
    assessment_ = Assess(pipeline_, rules_, TestOptions(true));
    register_ = MakeRegister(pipeline_, assessment_, rules_, table_);
  }
  Report Of(const Language& language) {
    return {.pipelines = {&pipeline_},
            .assessments = {&assessment_},
            .rules = &rules_,
            .language = &language,
            .accepted = &accepted_,
            .version = "1"};
  }
  // The risks that a control treats, or is refused for.
  std::vector<std::string> RisksOf(const char* control, bool treats) const {
    std::vector<std::string> risks;
    for (const Filing& filing : register_.filings) {
      if (filing.control->id == control && filing.treats == treats) {
        risks.push_back(filing.risk);
      }
    }
    return risks;
  }
  const RegisterRow* Row(std::string_view risk) const {
    const auto found = std::ranges::find_if(
        register_.rows, [&](const RegisterRow& row) { return row.adversary->id == risk; });
    return found == register_.rows.end() ? nullptr : &*found;
  }

  RuleSet rules_ = *BuiltInRules();
  RegisterTable table_ = *BuiltInRegisterTable(rules_);
  Language en_ = *Language::BuiltIn("en");
  Language de_ = *Language::BuiltIn("de");
  std::vector<Acceptance> accepted_;
  Pipeline pipeline_ = *ReadExample("at-rest-eu-keys");
  Assessment assessment_;
  Register register_;
};

TEST_F(RegisterTest, CustomerManagedKeysTreatStorageAndExitAndAreRefusedForThirdCountryAccess) {
  Use("at-rest-eu-keys");
  EXPECT_THAT(RisksOf("customer-managed-keys", true),
              testing::ElementsAre("storage-thief", "storage-breach", "physical-insider", "exit"));
  EXPECT_THAT(RisksOf("customer-managed-keys", false),
              testing::ElementsAre("processor-staff", "civil-discovery", "cloud-act", "fisa-702"));
  const std::string markdown = RenderRegisterMarkdown(Of(en_), table_);
  EXPECT_THAT(
      markdown,
      HasSubstr("- \"US law enforcement (CLOUD Act)\" is \"does not stop\" with and without "
                "each of these: Encryption at rest with customer-managed keys (documents); "));
  EXPECT_THAT(markdown, HasSubstr("The path that is left passes none of them: An entity that is "
                                  "registered within the reach of the order"));
  EXPECT_THAT(markdown, HasSubstr("retention after exit, decommissioning: Encryption at rest with "
                                  "customer-managed keys (documents): without it does not stop "
                                  "instead of stops"));
}

TEST_F(RegisterTest, WhatAProcessorStillStoresIsStoppedByYourKeysAndNotByItsOwn) {
  Use("at-rest-eu-keys");
  ASSERT_NE(Row("exit"), nullptr);
  EXPECT_EQ(Row("exit")->verdict, Verdict::kStops);
  EXPECT_EQ(Row("exit")->inherent, Verdict::kDoesNotStop);
  Pipeline theirs = *ReadExample("at-rest-eu-keys");
  ASSERT_TRUE(theirs.State({.element = "documents-key",
                            .field = "holder",
                            .value = "vendor",
                            .evidence = {.source = "test", .date = "2026-11-22"}}));
  Use(theirs);
  EXPECT_EQ(Row("exit")->verdict, Verdict::kUnknown);  // who governs it is not said
  ASSERT_EQ(Row("exit")->cell->missing.size(), 1U);
  EXPECT_EQ(Row("exit")->cell->missing[0].Name(), "documents-key.governed_by");
  ASSERT_TRUE(theirs.State({.element = "documents-key",
                            .field = "governed_by",
                            .value = "vendor",
                            .evidence = {.source = "test", .date = "2026-11-22"}}));
  Use(theirs);
  EXPECT_EQ(Row("exit")->verdict, Verdict::kDoesNotStop);
  const Cell& cell = *Row("exit")->cell;
  EXPECT_EQ(cell.id, "exit@at-rest-eu-keys");
  ASSERT_FALSE(cell.chain.empty());
  EXPECT_THAT(cell.reached, testing::Contains("documents"));
  // The fact that is so only after the exit says which one it follows from, and is as sure.
  const auto follows = [](const ChainFact& fact) {
    return fact.Name() == "documents-key.beside_data";
  };
  const ChainFact* beside = nullptr;
  for (const ChainStep& step : cell.chain) {
    for (const ChainFact& fact : step.facts) {
      beside = follows(fact) ? &fact : beside;
    }
  }
  ASSERT_NE(beside, nullptr);
  EXPECT_EQ(beside->evidence.source, "after the exit, from documents-key.holder: test");
  // What helps is a change of the description, not of that fact.
  ASSERT_TRUE(cell.better);
  EXPECT_EQ(cell.better->becomes, Verdict::kStops);
  EXPECT_NE(cell.better->changes[0].field, "beside_data");
  EXPECT_THAT(RisksOf("provider-managed-keys", false), testing::Contains("exit"));
  EXPECT_THAT(RisksOf("provider-managed-keys", true), testing::Contains("storage-thief"));
  ASSERT_TRUE(theirs.State(
      {.element = "documents-key", .field = "holder", .value = "unknown", .evidence = {}}));
  Use(theirs);
  EXPECT_EQ(Row("exit")->verdict, Verdict::kUnknown);
}

TEST_F(RegisterTest, ACustomerManagedKeyInTheVendorsServiceIsFiledWhereItTreats) {
  Result<Pipeline> azure = Pipeline::Parse(
      "casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: acme\nuse: azure-openai-cmk\n"
      "parties: {acme: {seat: DE, parent: none, affiliates: none, sub_processors: none}}\n"
      "keys: {azure-key: {beside_data: no}}\n"
      "stores: {azure-state: {decrypted_by: service}}\n",
      "p.yaml", *Catalogue::BuiltIn());
  ASSERT_TRUE(azure) << azure.error().message;
  Use(*azure);
  EXPECT_TRUE(RisksOf("provider-managed-keys", true).empty());
  EXPECT_TRUE(RisksOf("provider-managed-keys", false).empty());
  EXPECT_THAT(RisksOf("customer-managed-keys", true), testing::Contains("exit"));
  EXPECT_THAT(RisksOf("customer-managed-keys", false),
              testing::IsSupersetOf({"processor-staff", "cloud-act", "fisa-702"}));
}

TEST_F(RegisterTest, OfTwoControlsThatAreEachEnoughBothCount) {
  // Erasure by object key and no backups: either stops what comes back.
  Pipeline pipeline = *ReadExample("eu-processor");
  ASSERT_TRUE(pipeline.State({.element = "documents",
                              .field = "backups",
                              .value = "off",
                              .evidence = {.source = "test", .date = "2026-11-22"}}));
  std::string text(DataFiles("register.yaml").at(0).text);
  text +=
      "  - {id: no-backups, en: No backups, de: Keine Sicherungen, for: store, is: {backups: "
      "[\"off\"]}, without: {backups: kept}, claimed_for: [restored-backup]}\n";
  table_ = *ReadRegisterTable(text, "t.yaml", rules_);
  Use(pipeline);
  for (const auto& [one, other] :
       {std::pair{"erasure-by-key", "no-backups"}, std::pair{"no-backups", "erasure-by-key"}}) {
    const auto filing = std::ranges::find_if(register_.filings, [&](const Filing& filed) {
      return filed.control->id == one && filed.risk == "restored-backup";
    });
    ASSERT_NE(filing, register_.filings.end()) << one;
    EXPECT_TRUE(filing->treats) << one;
    EXPECT_EQ(filing->without, Verdict::kDoesNotStop);
    ASSERT_EQ(filing->redundant_with.size(), 1U) << one;
    EXPECT_EQ(filing->redundant_with[0]->id, other);
  }
  EXPECT_THAT(RenderRegisterMarkdown(Of(en_), table_), HasSubstr("redundant with: No backups"));
  // One of the two alone is no longer redundant.
  Use("eu-processor");
  EXPECT_THAT(RisksOf("erasure-by-key", true), testing::Contains("restored-backup"));
  for (const Filing& filing : register_.filings) {
    if (filing.control->id == "erasure-by-key") {
      EXPECT_TRUE(filing.redundant_with.empty());
    }
  }
}

TEST_F(RegisterTest, WhereMachinesStandTreatsNothing) {
  Use("at-rest-eu-keys");
  EXPECT_TRUE(RisksOf("processing-in-the-eu", true).empty());
  EXPECT_THAT(RisksOf("processing-in-the-eu", false), testing::Contains("cloud-act"));
}

TEST_F(RegisterTest, EveryCellThatIsNotStoppedHasARow) {
  for (const char* name : {"at-rest-eu-keys", "confidential-computing", "eu-processor"}) {
    Use(name);
    for (const Cell& cell : assessment_.cells) {
      if (cell.verdict != Verdict::kStops) {
        ASSERT_NE(Row(cell.adversary->id), nullptr) << cell.id;
        EXPECT_EQ(Row(cell.adversary->id)->verdict, cell.derived);
      }
    }
    for (const Filing& filing : register_.filings) {
      EXPECT_EQ(filing.treats, filing.with != filing.without)
          << name << " " << filing.control->id << " " << filing.risk;
    }
  }
}

TEST_F(RegisterTest, ClassesComeFromTheTableAndUnknownIsNeverNo) {
  EXPECT_EQ(table_.LikelihoodOf("storage-thief", Verdict::kDoesNotStop), 2U);
  EXPECT_EQ(table_.LikelihoodOf("cloud-act", Verdict::kDoesNotStop), 1U);
  EXPECT_EQ(table_.LikelihoodOf("cloud-act", Verdict::kUnknown), 1U);
  EXPECT_EQ(table_.LikelihoodOf("cloud-act", Verdict::kRaisesCost), 0U);
  EXPECT_EQ(table_.ImpactOf("public"), 0U);
  EXPECT_EQ(table_.ImpactOf("own-label"), 3U);
  for (const Adversary& adversary : rules_.adversaries) {
    EXPECT_NE(table_.Find(adversary.id), nullptr) << adversary.id;
  }
}

TEST_F(RegisterTest, TheCsvHasARowPerRiskInBothLanguages) {
  accepted_ = {{.cell = "cloud-act@at-rest-eu-keys",
                .verdict = Verdict::kDoesNotStop,
                .owner = "CISO",
                .until = "2027-01-31",
                .reason = "pilot"}};
  Use("at-rest-eu-keys");
  const std::string csv = RenderRegisterCsv(Of(en_), table_);
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(csv, '\n')), register_.rows.size() + 1);
  EXPECT_THAT(csv, HasSubstr("\"G 0.14, G 0.29\""));
  EXPECT_THAT(csv, HasSubstr("\"CISO\",\"2027-01-31\",\"accepted\""));
  EXPECT_THAT(csv, HasSubstr("\"2027-05-21\""));  // 180 days later
  EXPECT_THAT(RenderRegisterCsv(Of(de_), table_), HasSubstr("existenzbedrohend"));
}

TEST_F(RegisterTest, ATableThatIsWrongIsRefusedWithItsPlace) {
  const std::string good(DataFiles("register.yaml").at(0).text);
  ASSERT_TRUE(ReadRegisterTable(good, "t.yaml", rules_));
  const std::vector<std::array<std::string, 3>> cases = {
      {"casemate: register", "casemate: rules", "expected \"casemate: register\""},
      {"  limited: [low, low, medium, high]", "  limited: [low]", "one level per likelihood"},
      {"  limited: [low, low, medium, high]", "  limited: [low, low, medum, high]",
       "did you mean \"medium\"?"},
      {"{id: co-tenant,", "{id: co-tenants,", "did you mean \"co-tenant\"?"},
      {"{id: co-tenant,", "{id: fisa-702,", "is there twice"},
      {"{tenancy: [dedicated, enclave]}", "{tenancy: [alone]}", "alone"},
      {"{tenancy: shared}", "{tenency: shared}", "did you mean \"tenancy\"?"},
      {"secret: existential, other: existential", "secret: existential", "\"other\" is missing"},
      {"{does-not-stop: medium}", "{doesnt-stop: medium}", "no verdict"},
      {"  - {id: low, en: low, de: gering}\n", "  - {id: low, en: low}\n", "\"de\" is missing"},
      {"raises-cost: rare, stops: rare}", "stops: rare}", "\"raises-cost\" is missing"},
      {"eea: [AT,", "eea: [Austria,", "two letters"},
      {"{id: exit, threats:", "{id: exit, threat:", "did you mean \"threats\"?"},
      {"key_holder: you", "key_holder: me", "expected you or others"},
  };
  for (const auto& [from, to, message] : cases) {
    std::string text = good;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
    const Result<RegisterTable> read = ReadRegisterTable(text, "t.yaml", rules_);
    ASSERT_FALSE(read) << to;
    EXPECT_THAT(read.error().message, HasSubstr("t.yaml:")) << to;
    EXPECT_THAT(read.error().message, HasSubstr(message)) << to;
  }
}

}  // namespace
}  // namespace casemate::assess
