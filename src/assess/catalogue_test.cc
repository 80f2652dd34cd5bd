#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "assess/test_pipelines.h"

// The built-in catalogue: what each fact has to say of itself, and what follows from each entry.
namespace casemate::assess {
namespace {

using testing::HasSubstr;

const Catalogue& BuiltIn() {
  static const Result<Catalogue> catalogue = Catalogue::BuiltIn();
  EXPECT_TRUE(catalogue) << catalogue.error().message;
  return *catalogue;
}

// A company in the EU with nobody above or beside it that uses one service, and says nothing more.
Result<Pipeline> Using(const std::string& id) {
  return Pipeline::Parse(
      "casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: acme\nuse: " + id +
          "\nparties:\n  acme: {seat: DE, parent: none, affiliates: none, sub_processors: none}\n",
      "p.yaml", BuiltIn());
}

Assessment AssessmentOf(const std::string& id, std::string today = "2026-11-22") {
  static const Result<RuleSet> rules = BuiltInRules();
  EXPECT_TRUE(rules) << rules.error().message;
  Result<Pipeline> pipeline = Using(id);
  EXPECT_TRUE(pipeline) << id << ": " << pipeline.error().message;
  AssessOptions options = TestOptions();
  options.today = std::move(today);
  return pipeline && rules ? Assess(*pipeline, *rules, options) : Assessment();
}

Verdict VerdictOf(const std::string& id, std::string_view adversary) {
  const Assessment assessment = AssessmentOf(id);
  const Cell* cell = assessment.Find(adversary);
  EXPECT_NE(cell, nullptr) << adversary;
  return cell == nullptr ? Verdict::kStops : cell->verdict;
}

std::string ScalarOf(const yaml::Node* node) {
  return node != nullptr && node->is_scalar() ? node->text : std::string();
}

// The names under sources:, each with a title, a date and a confidence.
std::set<std::string> SourcesOf(const CatalogueEntry& entry) {
  std::set<std::string> names;
  const yaml::Node* sources = entry.root.Get("sources");
  EXPECT_NE(sources, nullptr) << entry.id << " has no sources";
  for (const yaml::Entry& source :
       sources == nullptr ? std::vector<yaml::Entry>() : sources->entries) {
    names.insert(source.name);
    EXPECT_NE(ScalarOf(source.value.Get("title")), "") << entry.id << " " << source.name;
    EXPECT_TRUE(IsDate(ScalarOf(source.value.Get("date")))) << entry.id << " " << source.name;
    EXPECT_TRUE(ParseConfidence(ScalarOf(source.value.Get("confidence"))))
        << entry.id << " " << source.name;
  }
  return names;
}

TEST(CatalogueTest, EveryFactNamesASourceWithADateAndAConfidence) {
  std::size_t facts = 0;
  for (const auto& [id, entry] : BuiltIn().entries()) {
    const std::set<std::string> sources = SourcesOf(entry);
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      const yaml::Node* section = entry.root.Get(InfoOf(static_cast<Kind>(kind)).section);
      if (section == nullptr) {
        continue;
      }
      for (const yaml::Entry& element : section->entries) {
        const std::string of_element = ScalarOf(element.value.Get("evidence"));
        for (const yaml::Entry& fact : element.value.entries) {
          if (fact.name == "evidence") {
            continue;
          }
          ++facts;
          const std::string own = ScalarOf(fact.value.Get("source"));
          EXPECT_TRUE(sources.contains(own.empty() ? of_element : own))
              << id << ": " << element.name << "." << fact.name << " has no source";
        }
      }
    }
  }
  EXPECT_GT(facts, 250u);  // the walk above saw them
}

TEST(CatalogueTest, AnEntryIsKeyedByVendorServiceModelAndConfiguration) {
  std::set<std::string> keys;
  for (const auto& [id, entry] : BuiltIn().entries()) {
    const std::string key =
        entry.vendor + "|" + entry.service + "|" + entry.model + "|" + entry.configuration;
    EXPECT_TRUE(keys.insert(key).second) << id << " is there as " << key << " already";
  }
}

TEST(CatalogueTest, HasTheVendorsAndTheirWaysOfHoldingKeys) {
  for (const char* id : {"azure-openai",
                         "azure-openai-cmk",
                         "azure-openai-modified-abuse-monitoring",
                         "openai-api",
                         "openai-api-zdr",
                         "openai-api-eu",
                         "google-vertex",
                         "google-vertex-cmek",
                         "google-vertex-ekm",
                         "google-vertex-ekm-kaj",
                         "aws-bedrock",
                         "aws-bedrock-none",
                         "aws-bedrock-cmk",
                         "aws-bedrock-xks",
                         "anthropic-api",
                         "anthropic-api-zdr",
                         "mistral-api",
                         "scaleway-generative-apis",
                         "ionos-ai-model-hub",
                         "stackit-model-serving",
                         "ovhcloud-ai-endpoints",
                         "casemate",
                         "casemate-softhsm"}) {
    EXPECT_TRUE(BuiltIn().entries().contains(id)) << id;
  }
}

TEST(CatalogueTest, EveryEntryGivesATableAndWhatNobodySaysIsUnknown) {
  for (const auto& [id, entry] : BuiltIn().entries()) {
    const Assessment assessment = AssessmentOf(id);
    EXPECT_EQ(assessment.cells.size(), 14u) << id;
    for (const Cell& cell : assessment.cells) {
      // A verdict that some missing fact could change is never printed as one.
      if (cell.derived != Verdict::kUnknown) {
        EXPECT_EQ(cell.worst, cell.best) << id << " " << cell.id;
      } else {
        EXPECT_FALSE(cell.missing.empty()) << id << " " << cell.id;
      }
    }
  }
}

TEST(CatalogueTest, NoHostedServiceStopsWhatItsVendorDoesNotDocument) {
  for (const auto& [id, entry] : BuiltIn().entries()) {
    if (entry.vendor == "Casemate") {
      continue;
    }
    for (const Cell& cell : AssessmentOf(id).cells) {
      // Swap, dumps, snapshots, who makes the firmware, the key exchange: no vendor says.
      EXPECT_NE(cell.verdict, Verdict::kStops) << id << " " << cell.id;
    }
    EXPECT_EQ(VerdictOf(id, "storage-thief"), Verdict::kUnknown) << id;
    EXPECT_EQ(VerdictOf(id, "quantum-recorder"), Verdict::kUnknown) << id;
    EXPECT_EQ(VerdictOf(id, "processor-staff"), Verdict::kDoesNotStop) << id;
  }
}

TEST(CatalogueTest, AnOrderUnderTheCloudActReachesEveryUsVendorWhoeverHoldsTheKey) {
  for (const auto& [id, entry] : BuiltIn().entries()) {
    const std::set<std::string> us_vendors = {"Microsoft", "OpenAI", "Google", "AWS", "Anthropic"};
    if (us_vendors.contains(entry.vendor)) {
      EXPECT_EQ(VerdictOf(id, "cloud-act"), Verdict::kDoesNotStop) << id;
    }
  }
}

TEST(CatalogueTest, AnEuropeanVendorWhoseGroupIsNotDocumentedIsUnknownAndNotSafe) {
  for (const char* id : {"mistral-api", "scaleway-generative-apis", "ionos-ai-model-hub",
                         "stackit-model-serving", "ovhcloud-ai-endpoints"}) {
    EXPECT_EQ(VerdictOf(id, "cloud-act"), Verdict::kUnknown) << id;
  }
}

TEST(CatalogueTest, ASoftwareTokenWithItsPinBesideDoesNotStopAThief) {
  EXPECT_EQ(VerdictOf("casemate-softhsm", "storage-thief"), Verdict::kDoesNotStop);
  EXPECT_EQ(VerdictOf("casemate", "storage-thief"), Verdict::kUnknown);  // where is the PIN?
  EXPECT_EQ(VerdictOf("casemate", "cloud-act"), Verdict::kStops);
}

TEST(CatalogueTest, AFactOlderThan180DaysIsListedFromThe181stDayOn) {
  // Azure's page is of 2025-10-01; 180 days later is 2026-03-30.
  EXPECT_TRUE(AssessmentOf("azure-openai", "2026-03-30").stale.empty());
  const std::vector<StaleFact> stale = AssessmentOf("azure-openai", "2026-03-31").stale;
  ASSERT_FALSE(stale.empty());
  EXPECT_EQ(stale[0].days, 181);
  EXPECT_THAT(stale[0].fact.evidence.source, HasSubstr("Azure Direct Models"));
}

}  // namespace
}  // namespace casemate::assess
