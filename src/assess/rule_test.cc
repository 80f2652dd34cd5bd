#include "assess/rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "assess/test_pipelines.h"

namespace casemate::assess {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kAdversaries =
    "casemate: adversaries\nadversaries:\n"
    "  - {id: thief, title: {en: t, de: t}, en: a, de: a, wields: [media]}\n";
constexpr std::string_view kRule =
    "casemate: rules\nrules:\n"
    "  - id: r\n    en: s\n    de: s\n    source: q\n    date: 2026-01-01\n    for: store\n"
    "    wields: media\n    when: [store.encryption is none]\n    gives: contents\n"
    "    step: ordinary\n";
constexpr std::string_view kLegal = "casemate: legal\ndate: 2026-01-01\n";

std::string Refusal(std::string_view before, std::string_view after) {
  std::string rule(kRule);
  if (!before.empty()) {
    const std::size_t at = rule.find(before);
    EXPECT_NE(at, std::string::npos) << before;
    rule.replace(at, before.size(), after);
  }
  Result<RuleSet> set = ReadRules({{"a.yaml", std::string(kAdversaries)}, {"r.yaml", rule}},
                                  {"legal.yaml", std::string(kLegal)});
  return set ? "(no error)" : set.error().message;
}

TEST(RuleTest, ARuleReads) {
  EXPECT_EQ(Refusal("", ""), "(no error)");
  EXPECT_EQ(
      Refusal("[store.encryption is none]",
              "[{any: [store.key.holder is not you or actor, store.key.release is measured]}, "
              "store.operator.seat is not within reach]"),
      "(no error)");
}

TEST(RuleTest, WordsThatTheVocabularyDoesNotHaveAreRefusedWithTheirPlace) {
  EXPECT_EQ(Refusal("store.encryption", "store.encrypton"),
            "r.yaml:10:12: a store has no \"encrypton\" (did you mean \"encryption\"?)");
  EXPECT_THAT(Refusal("is none", "is nome"),
              HasSubstr("\"encryption\" cannot be \"nome\" (did you"));
  EXPECT_THAT(Refusal("is none", "are none"), HasSubstr("expected \"PATH is [not] VALUE"));
  EXPECT_THAT(Refusal("is none", "is none and standard"), HasSubstr("expected \"or\""));
  EXPECT_THAT(Refusal("is none", "is none or"), HasSubstr("expected \"or\""));
  EXPECT_THAT(Refusal("is none", "is within reach"), HasSubstr("only a country"));
  EXPECT_THAT(Refusal("store.encryption is", "processor.tee is"),
              HasSubstr("begin with \"store\""));
  EXPECT_THAT(Refusal("store.encryption is", "store.encryption.x is"),
              HasSubstr("refers to nothing"));
  EXPECT_THAT(Refusal("store.encryption is", "store.key.holder.parent.parent.parent is"),
              HasSubstr("more than 4"));
  EXPECT_THAT(Refusal("gives: contents", "gives: memory"), HasSubstr("a store has no \"memory\""));
  EXPECT_THAT(Refusal("step: ordinary", "step: easy"), HasSubstr("expected ordinary"));
  EXPECT_THAT(Refusal("for: store", "for: shop"), HasSubstr("expected party, processor"));
  EXPECT_THAT(Refusal("when:", "needs: [key of store.operator]\n    when:"),
              HasSubstr("there is no key of that"));
  EXPECT_THAT(Refusal("when:", "needs: [all of store]\n    when:"), HasSubstr("FORM of PATH"));
}

TEST(RuleTest, ARuleNeedsItsSentenceItsSourceAndItsDate) {
  EXPECT_THAT(Refusal("    source: q\n", ""), HasSubstr("r.yaml:3:5: \"source\" is missing"));
  EXPECT_THAT(Refusal("    de: s\n", ""), HasSubstr("\"de\" is missing"));
  EXPECT_THAT(Refusal("    date: 2026-01-01\n", ""), HasSubstr("\"date\" is missing"));
  EXPECT_THAT(Refusal("2026-01-01", "2026-13-01"), HasSubstr("YYYY-MM-DD"));
  EXPECT_THAT(Refusal("id: r", "id: thief"), HasSubstr("is there twice"));
  EXPECT_THAT(Refusal("wields: media", "wields: magic"), HasSubstr("nobody wields \"magic\""));
}

TEST(RuleTest, TheBuiltInRulesRead) {
  Result<RuleSet> rules = BuiltInRules();
  ASSERT_TRUE(rules) << rules.error().message;
  EXPECT_GE(rules->rules.size(), 50U);
  EXPECT_EQ(std::ranges::count_if(rules->adversaries, &Adversary::reference), 9);
}

TEST(RuleTest, NumbersAreComparedAndOnlyNumbers) {
  EXPECT_EQ(Refusal("store.encryption is none", "store.retention_days is over 30"), "(no error)");
  EXPECT_EQ(Refusal("store.encryption is none", "store.retention_days is not over 30"),
            "(no error)");
  EXPECT_THAT(Refusal("store.encryption is none", "store.retention_days is over much"),
              HasSubstr("over: expected a whole number"));
  EXPECT_THAT(Refusal("is none", "is over 3"), HasSubstr("cannot be \"over\""));
  EXPECT_THAT(Refusal("is none", "is beyond horizon"), HasSubstr("only a number of years"));
  EXPECT_THAT(Refusal("store.encryption is none", "store.retention_days is beyond horizon"),
              HasSubstr("asks for the horizon, and no file says it"));
}

std::string RefusalOfFile(const std::string& text) {
  Result<RuleSet> set = ReadRules(
      {{"a.yaml", std::string(kAdversaries)}, {"r.yaml", std::string(kRule)}, {"x.yaml", text}},
      {"legal.yaml", std::string(kLegal)});
  return set ? "(no error)" : set.error().message;
}

TEST(RuleTest, AHorizonHasAYearAndASource) {
  const std::string good =
      "casemate: horizon\nyear: 2030\nmigration_years: 2\nsource: s\ndate: 2021-12-01\n";
  EXPECT_EQ(RefusalOfFile(good), "(no error)");
  for (const auto& [from, to] :
       {std::pair{"2030", "soon"}, std::pair{"years: 2", "years: -1"}, std::pair{"source: s\n", ""},
        std::pair{"2021-12-01", "2021"}, std::pair{"year: 2030", "jahr: 2030"}}) {
    std::string text = good;
    text.replace(text.find(from), std::string_view(from).size(), to);
    EXPECT_THAT(RefusalOfFile(text), testing::StartsWith("x.yaml:")) << to;
  }
}

TEST(RuleTest, ClassesOfChangesRiseAndHaveEachFieldOnce) {
  const std::string good =
      "casemate: changes\nclasses:\n"
      "  - {id: a, en: a, de: a, cost: 1, fields: [hop.transport]}\n"
      "  - {id: b, en: b, de: b, cost: 5, fields: [key.holder]}\n";
  EXPECT_EQ(RefusalOfFile(good), "(no error)");
  for (const auto& [from, to] :
       {std::pair{"cost: 5", "cost: 1"}, std::pair{"cost: 1", "cost: 0"},
        std::pair{"key.holder", "hop.transport"}, std::pair{"key.holder", "key.owner"},
        std::pair{"key.holder", "holder"}, std::pair{"en: b, ", ""}}) {
    std::string text = good;
    text.replace(text.find(from), std::string_view(from).size(), to);
    EXPECT_THAT(RefusalOfFile(text), testing::StartsWith("x.yaml:")) << to;
  }
}

// The verdicts' words may stand in the list of verdicts and in notes about them, never in a rule.
TEST(RuleTest, NoRuleNamesAnAdversaryOrAVerdict) {
  Result<RuleSet> rules = BuiltInRules();
  ASSERT_TRUE(rules);
  for (const DataFile& file : DataFiles("rules/")) {
    if (file.name == "rules/adversaries.yaml") {
      continue;
    }
    for (const std::string_view verdict : VerdictNames()) {
      // "controllable" is a class of step too, that of passive recording of what is yours.
      if (verdict != "controllable" && verdict != "unknown" && verdict != "stops") {
        EXPECT_EQ(file.text.find(verdict), std::string_view::npos) << file.name << " " << verdict;
      }
    }
    for (const Adversary& adversary : rules->adversaries) {
      EXPECT_EQ(file.text.find(adversary.id), std::string_view::npos)
          << file.name << " " << adversary.id;
    }
  }
}

class AssessTest : public testing::Test {
 protected:
  Assessment Of(const Pipeline& pipeline, bool counterfactuals = true) {
    return Assess(pipeline, rules_, TestOptions(counterfactuals));
  }
  RuleSet rules_ = *BuiltInRules();
};

std::vector<std::string> StepIds(const Cell& cell) {
  std::vector<std::string> ids;
  ids.reserve(cell.chain.size());
  for (const ChainStep& step : cell.chain) {
    ids.push_back(step.id);
  }
  return ids;
}

std::vector<std::string> ChangesOf(const std::optional<Counterfactual>& counterfactual) {
  std::vector<std::string> changes;
  for (const Change& change : counterfactual ? counterfactual->changes : std::vector<Change>()) {
    changes.push_back(change.element + "." + change.field + "=" + change.after);
  }
  return changes;
}

TEST_F(AssessTest, AChainGoesFromTheSeatOverTheParentToTheProcessingToPlaintext) {
  const Pipeline pipeline = *ReadExample("at-rest-eu-keys");
  const Assessment assessment = Of(pipeline);
  const Cell& cell = *assessment.Find("cloud-act");
  EXPECT_THAT(StepIds(cell),
              ElementsAre("order-seat@vendor-inc", "order-parent@vendor", "exposed-no-tee@engine",
                          "order-operator@engine", "memory-is-plaintext@engine"));
  EXPECT_THAT(cell.chain[3].from, ElementsAre(1U, 2U));
  EXPECT_EQ(cell.id, "cloud-act@at-rest-eu-keys");
}

TEST_F(AssessTest, TheSmallestChangesAreFound) {
  const Pipeline hosted = *ReadExample("at-rest-eu-keys");
  const Assessment column1 = Of(hosted);
  // One change raises the cost; to stop it the processor and its updates have to be yours.
  EXPECT_THAT(ChangesOf(column1.Find("cloud-act")->better), ElementsAre("engine.tee=+own-tee"));
  EXPECT_EQ(column1.Find("cloud-act")->better->becomes, Verdict::kRaisesCost);
  EXPECT_THAT(ChangesOf(column1.Find("cloud-act")->stops),
              ElementsAre("engine.operator=acme", "engine.updates_by=acme"));
  EXPECT_THAT(ChangesOf(column1.Find("co-tenant")->better),
              ElementsAre("engine.tenancy=dedicated"));
  EXPECT_FALSE(column1.Find("quantum-recorder")->stops);  // what is better stops it
  EXPECT_THAT(ChangesOf(column1.Find("quantum-recorder")->better),
              ElementsAre("ask.key_exchange=hybrid", "release.key_exchange=hybrid"));
  EXPECT_FALSE(column1.Find("storage-thief")->better);
  EXPECT_FALSE(column1.Find("own-staff")->better);  // your own end is yours
}

TEST_F(AssessTest, ASettingIsProposedBeforeAMigrationOfKeysAndThatBeforeAnotherParty) {
  const Pipeline hosted = *ReadExample("at-rest-eu-keys");
  const Assessment assessment = Of(hosted);
  // Two hops made hybrid cost less than one operator.
  EXPECT_EQ(assessment.Find("quantum-recorder")->better->becomes, Verdict::kStops);
  EXPECT_THAT(ChangesOf(assessment.Find("quantum-recorder")->better),
              ElementsAre("ask.key_exchange=hybrid", "release.key_exchange=hybrid"));
  // The classes are data: where an operator costs nothing, he is proposed.
  RuleSet cheap = rules_;
  cheap.costs.of[{Kind::kProcessor, RequireField(Kind::kProcessor, "operator")}] = 0;
  const Assessment other = Assess(hosted, cheap, TestOptions(true));
  EXPECT_THAT(ChangesOf(other.Find("quantum-recorder")->better),
              ElementsAre("engine.operator=acme"));
}

TEST_F(AssessTest, EveryFactThatSomebodyCanDecideHasAClassOfCost) {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    const std::span<const Field> fields = InfoOf(static_cast<Kind>(kind)).fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      EXPECT_EQ(rules_.costs.of.contains({static_cast<Kind>(kind), i}),
                fields[i].effort != Effort::kFixed)
          << InfoOf(static_cast<Kind>(kind)).name << "." << fields[i].name;
    }
  }
}

TEST_F(AssessTest, WhatHangsOnAMissingFactIsSaidApartFromWhatHolds) {
  Pipeline pipeline = *ReadExample("at-rest-eu-keys");
  for (const auto& [element, field] :
       {std::pair{"engine", "review"}, std::pair{"documents", "encryption"}}) {
    ASSERT_TRUE(
        pipeline.State({.element = element, .field = field, .value = "unknown", .evidence = {}}));
  }
  ASSERT_TRUE(pipeline.State({.element = "documents-key",
                              .field = "released_to",
                              .value = "none",
                              .evidence = {.source = "t"}}));
  const Assessment assessment = Of(pipeline, false);
  const Cell& cell = *assessment.Find("processor-staff");
  EXPECT_EQ(cell.verdict, Verdict::kDoesNotStop);
  EXPECT_THAT(cell.reached, ElementsAre("engine"));
  EXPECT_THAT(cell.may_reach, ElementsAre("documents"));
  EXPECT_EQ(cell.reached_count, 1U);
}

TEST_F(AssessTest, EveryProposedChangeDoesWhatItSays) {
  for (const char* example : {"at-rest-eu-keys", "confidential-computing", "eu-processor"}) {
    const Pipeline pipeline = *ReadExample(example);
    for (const Cell& cell : Of(pipeline).cells) {
      for (const auto* proposal : {&cell.better, &cell.stops}) {
        if (!*proposal) {
          continue;
        }
        Pipeline changed = pipeline;
        bool stated = true;
        for (const Change& change : (*proposal)->changes) {
          stated = stated && changed
                                 .State({.element = change.element,
                                         .field = change.field,
                                         .value = change.after,
                                         .evidence = {.source = "test",
                                                      .date = "2026-11-22",
                                                      .confidence = Confidence::kMeasured}})
                                 .has_value();
        }
        if (stated) {  // additions such as +own-tee are not in the file
          EXPECT_EQ(Of(changed, false).Find(cell.adversary->id)->verdict, (*proposal)->becomes)
              << cell.id;
        }
      }
    }
  }
}

TEST_F(AssessTest, WhatStopsRestsOnFactsThatAreListedWithWhatIsAgainstEachWay) {
  const Pipeline pipeline = *ReadExample("eu-processor");
  const Assessment assessment = Of(pipeline);
  const Cell& cell = *assessment.Find("cloud-act");
  std::vector<std::string> rests;
  rests.reserve(cell.worse.size());
  for (const Counterfactual& fact : cell.worse) {
    rests.push_back(fact.changes[0].element + "." + fact.changes[0].field);
  }
  // "No US parent, affiliate or sub-processor; who controls the update channel."
  EXPECT_THAT(rests, testing::IsSupersetOf({"acme.seat", "acme.parent", "acme.affiliates",
                                            "acme.sub_processors", "engine.operator",
                                            "engine.updates_by"}));
  EXPECT_TRUE(cell.chain.empty());
  EXPECT_TRUE(std::ranges::any_of(cell.blocked, [](const BlockedWay& way) {
    return way.rule->id == "order-seat" && way.element == "acme" && way.facts.size() == 1 &&
           way.facts[0].value == "DE";
  }));
}

TEST_F(AssessTest, TheWeakestFactGivesTheConfidence) {
  Pipeline pipeline = *ReadExample("eu-processor");
  EXPECT_EQ(Of(pipeline, false).Find("storage-thief")->confidence, Confidence::kDocumented);
  ASSERT_TRUE(pipeline.State(
      {.element = "documents-key",
       .field = "beside_data",
       .value = "no",
       .evidence = {
           .source = "a mail", .date = "2026-11-01", .confidence = Confidence::kClaimed}}));
  const Assessment assessment = Of(pipeline, false);
  EXPECT_EQ(assessment.Find("storage-thief")->confidence, Confidence::kClaimed);
  EXPECT_EQ(assessment.Find("storage-thief")->weakest->Name(), "documents-key.beside_data");
  EXPECT_EQ(assessment.Find("storage-breach")->confidence, Confidence::kClaimed);
  EXPECT_EQ(assessment.Find("co-tenant")->confidence, Confidence::kDocumented);
}

TEST_F(AssessTest, AMissingFactIsNamedAndItsTwoEndsAreShown) {
  Pipeline pipeline = *ReadExample("at-rest-eu-keys");
  ASSERT_TRUE(pipeline.State(
      {.element = "engine", .field = "tenancy", .value = "unknown", .evidence = {}}));
  const Assessment assessment = Of(pipeline);
  const Cell& cell = *assessment.Find("co-tenant");
  EXPECT_EQ(cell.verdict, Verdict::kUnknown);
  EXPECT_EQ(cell.worst, Verdict::kRaisesCost);
  EXPECT_EQ(cell.best, Verdict::kStops);
  ASSERT_EQ(cell.missing.size(), 1U);
  EXPECT_EQ(cell.missing[0].Name(), "engine.tenancy");
  EXPECT_EQ(cell.confidence, Confidence::kUnknown);
  EXPECT_THAT(ChangesOf(cell.better), ElementsAre("engine.tenancy=dedicated"));
}

TEST_F(AssessTest, EveryMissingFactThatDecidesIsAskedForAtOnce) {
  Pipeline pipeline = *ReadExample("at-rest-eu-keys");
  for (const char* field : {"swap", "crash_dumps", "content_logs", "tenancy"}) {
    ASSERT_TRUE(
        pipeline.State({.element = "engine", .field = field, .value = "unknown", .evidence = {}}));
  }
  const Assessment assessment = Of(pipeline, false);
  std::vector<std::string> names;
  for (const ChainFact& fact : assessment.Find("storage-thief")->missing) {
    names.push_back(fact.Name());
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("engine.swap", "engine.crash_dumps",
                                                   "engine.content_logs"));
  EXPECT_TRUE(assessment.Find("storage-thief")->notes.empty());
}

TEST_F(AssessTest, ContentGetsToAPlaceOverSomethingEvenIfNoHopIsDescribed) {
  const Pipeline pipeline = *Pipeline::Parse(
      "casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: a\nparties: {a: }\n"
      "processors: {m: {operator: you, sees: plaintext}}\n",
      "p.yaml", Catalogue());
  ASSERT_TRUE(pipeline.Find("to-m"));
  EXPECT_EQ(Of(pipeline).Find("quantum-recorder")->verdict, Verdict::kUnknown);
}

TEST_F(AssessTest, OnlyWhatCarriesTheLabelCounts) {
  Pipeline pipeline = *ReadExample("at-rest-eu-keys");
  ASSERT_TRUE(
      pipeline.State({.element = "engine", .field = "label", .value = "internal", .evidence = {}}));
  AssessOptions options = TestOptions();
  options.label = *pipeline.FindLabel("confidential");
  const Assessment assessment = Assess(pipeline, rules_, options);
  EXPECT_EQ(assessment.Find("host-root")->verdict, Verdict::kStops);  // internal content alone
  EXPECT_EQ(assessment.Find("restored-backup")->verdict, Verdict::kDoesNotStop);
}

TEST_F(AssessTest, TheSameQuestionHasTheSameAnswer) {
  const Pipeline pipeline = *ReadExample("confidential-computing");
  const Assessment a = Of(pipeline);
  const Assessment b = Of(pipeline);
  ASSERT_EQ(a.cells.size(), b.cells.size());
  for (std::size_t i = 0; i < a.cells.size(); ++i) {
    EXPECT_EQ(StepIds(a.cells[i]), StepIds(b.cells[i]));
    EXPECT_EQ(ChangesOf(a.cells[i].better), ChangesOf(b.cells[i].better));
  }
  EXPECT_EQ(a.steps, b.steps);
}

// A second's worth of work is some ten million rule instances; a thousand hops must stay far below.
TEST_F(AssessTest, AThousandHopsCostABoundedNumberOfSteps) {
  std::string text = ExampleText("at-rest-eu-keys");
  for (int i = 0; i < 1000; ++i) {
    text += "  h" + std::to_string(i) +
            ": {from: acme, to: engine, transport: tls, key_exchange: classical, carries: content, "
            "crosses: internet}\n";
  }
  Result<Pipeline> pipeline = Pipeline::Parse(text, "large.yaml", Catalogue());
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  const Assessment assessment = Of(*pipeline);
  EXPECT_LT(assessment.steps, 2'000'000U);
  const Cell& cell = *assessment.Find("quantum-recorder");
  EXPECT_EQ(cell.verdict, Verdict::kDoesNotStop);
  EXPECT_EQ(cell.reached_count, 1002U);
  ASSERT_TRUE(cell.better);
}

}  // namespace
}  // namespace casemate::assess
