#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "assess/test_pipelines.h"

// The reference table and what must not be written down anywhere but here.
namespace casemate::assess {
namespace {

using Table = std::map<std::string, Verdict>;

constexpr Verdict kStops = Verdict::kStops;
constexpr Verdict kRaises = Verdict::kRaisesCost;
constexpr Verdict kDoesNot = Verdict::kDoesNotStop;
constexpr Verdict kControllable = Verdict::kControllable;
constexpr Verdict kYours = Verdict::kNotApplicable;

Table TableOf(const Pipeline& pipeline, const RuleSet& rules) {
  Table table;
  for (const Cell& cell : Assess(pipeline, rules, TestOptions()).cells) {
    table.emplace(cell.adversary->id, cell.verdict);
  }
  return table;
}

Table TableOf(std::string_view example) {
  Result<RuleSet> rules = BuiltInRules();
  EXPECT_TRUE(rules) << rules.error().message;
  Result<Pipeline> pipeline = ReadExample(example);
  EXPECT_TRUE(pipeline) << pipeline.error().message;
  return rules && pipeline ? TableOf(*pipeline, *rules) : Table();
}

TEST(ReferenceTest, EncryptionAtRestWithEuKeysStopsTheUpperHalf) {
  EXPECT_EQ(TableOf("at-rest-eu-keys"), (Table{{"storage-thief", kStops},
                                               {"storage-breach", kStops},
                                               {"physical-insider", kStops},
                                               {"co-tenant", kRaises},
                                               {"processor-staff", kDoesNot},
                                               {"civil-discovery", kDoesNot},
                                               {"cloud-act", kDoesNot},
                                               {"fisa-702", kDoesNot},
                                               {"quantum-recorder", kDoesNot},
                                               // Beyond the nine: plain memory on the bus, a host
                                               // that reads it, firmware as it comes, your own end
                                               // of the connection, and one key for all documents.
                                               {"memory-interposer", kDoesNot},
                                               {"host-root", kDoesNot},
                                               {"compelled-supplier", kDoesNot},
                                               {"own-staff", kDoesNot},
                                               {"restored-backup", kDoesNot}}));
}

TEST(ReferenceTest, ConfidentialComputingRaisesTheCostForPeopleAndNotForOrders) {
  EXPECT_EQ(
      TableOf("confidential-computing"),
      (Table{{"storage-thief", kStops},
             {"storage-breach", kStops},
             {"physical-insider", kStops},
             {"co-tenant", kStops},
             {"processor-staff", kRaises},
             {"civil-discovery", kDoesNot},
             {"cloud-act", kDoesNot},
             {"fisa-702", kDoesNot},
             {"quantum-recorder", kDoesNot},
             // Beyond the nine: known attacks on the enclave, firmware as it comes, and as before.
             {"memory-interposer", kRaises},
             {"host-root", kRaises},
             {"compelled-supplier", kDoesNot},
             {"own-staff", kDoesNot},
             {"restored-backup", kDoesNot}}));
}

TEST(ReferenceTest, OnlyMovingTheProcessorFlipsTheLowerHalf) {
  EXPECT_EQ(TableOf("eu-processor"),
            (Table{{"storage-thief", kStops},
                   {"storage-breach", kStops},
                   {"physical-insider", kStops},
                   {"co-tenant", kStops},
                   {"processor-staff", kYours},
                   {"civil-discovery", kStops},
                   {"cloud-act", kStops},
                   {"fisa-702", kStops},
                   {"quantum-recorder", kControllable},
                   // Beyond the nine: no enclave here either, so the bus and the
                   // host read; firmware is reviewed; each document has its key.
                   {"memory-interposer", kDoesNot},
                   {"host-root", kDoesNot},
                   {"compelled-supplier", kRaises},
                   {"own-staff", kDoesNot},
                   {"restored-backup", kStops}}));
}

TEST(ReferenceTest, TheWordsBesideTheVerdictsAreDerivedToo) {
  Result<RuleSet> rules = BuiltInRules();
  ASSERT_TRUE(rules);
  const auto notes = [&](std::string_view example, std::string_view row) {
    Result<Pipeline> pipeline = ReadExample(example);
    const Assessment assessment = Assess(*pipeline, *rules, TestOptions());
    std::vector<std::string> words;
    for (const Texts& note : assessment.Find(row)->notes) {
      words.push_back(note.en);
    }
    return words;
  };
  using testing::ElementsAre;
  EXPECT_THAT(notes("at-rest-eu-keys", "processor-staff"), ElementsAre("window", "cached keys"));
  EXPECT_THAT(notes("eu-processor", "co-tenant"), ElementsAre("single tenant"));
  EXPECT_THAT(notes("eu-processor", "processor-staff"), ElementsAre("yours to govern"));
  EXPECT_THAT(notes("eu-processor", "cloud-act"), ElementsAre("no US entity in the chain"));
  EXPECT_THAT(notes("eu-processor", "fisa-702"),
              ElementsAre("for the processing; transit remains"));
  EXPECT_THAT(notes("eu-processor", "quantum-recorder"), ElementsAre("your own migration date"));
}

TEST(ReferenceTest, BehindWhatIsYoursToGovernStandsTheDerivedVerdict) {
  Result<RuleSet> rules = BuiltInRules();
  Result<Pipeline> pipeline = ReadExample("eu-processor");
  ASSERT_TRUE(rules && pipeline);
  const Assessment assessment = Assess(*pipeline, *rules, TestOptions());
  EXPECT_EQ(assessment.Find("processor-staff")->derived, kDoesNot);
}

}  // namespace
}  // namespace casemate::assess
