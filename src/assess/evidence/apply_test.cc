#include "assess/evidence/apply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assess/catalogue.h"
#include "assess/evidence/test_exports.h"
#include "assess/report_contradictions.h"
#include "assess/result.h"

namespace casemate::assess {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Pipeline Describe(const std::string& body) {
  const Result<Catalogue> catalogue = Catalogue::BuiltIn();
  Result<Pipeline> pipeline = Pipeline::Parse(
      "casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: acme\nlifetimes: 10\n"
      "parties: {acme: {seat: DE, parent: none, affiliates: none, sub_processors: none}}\n" +
          body,
      "p.yaml", catalogue.value_or(Catalogue()));
  EXPECT_TRUE(pipeline) << pipeline.error().message;
  return pipeline.value_or(Pipeline());
}

Applied Apply(Pipeline& pipeline, const std::string& sample, const std::string& element = "") {
  Result<Export> content = ReadSample(sample);
  EXPECT_TRUE(content) << content.error().message;
  Result<Applied> applied = ApplyEvidence(pipeline, {{content.value_or(Export()), element}});
  EXPECT_TRUE(applied) << applied.error().message;
  return applied.value_or(Applied());
}

std::string ValueOf(const Pipeline& pipeline, std::string_view element, std::string_view field) {
  const std::size_t index = *pipeline.Find(element);
  return pipeline.ValueText(index, *FieldIndex(pipeline.element(index).kind, field));
}

const Fact& FactOf(const Pipeline& pipeline, std::string_view element, std::string_view field) {
  const std::size_t index = *pipeline.Find(element);
  return pipeline.fact(index, *FieldIndex(pipeline.element(index).kind, field));
}

TEST(ApplyTest, AClaimBecomesAFactWithFilePathAndDate) {
  Pipeline pipeline = Describe("use: google-vertex\n");
  const Applied applied = Apply(pipeline, "google-cache-off.json");
  EXPECT_EQ(applied.stated, 1u);
  EXPECT_THAT(applied.contradictions, IsEmpty());
  EXPECT_EQ(ValueOf(pipeline, "vertex-engine", "prefix_cache"), "off");
  const Evidence& evidence = FactOf(pipeline, "vertex-engine", "prefix_cache").evidence;
  EXPECT_EQ(evidence.confidence, Confidence::kMeasured);
  EXPECT_EQ(evidence.date, "2026-11-21");
  EXPECT_THAT(evidence.source, HasSubstr("google-cache-off.json, disableCache"));
}

TEST(ApplyTest, EvidenceAgainstAClaimIsAContradictionWithBothPlaces) {
  Pipeline pipeline = Describe(
      "use: azure-openai\nprocessors:\n  azure-engine: {review: {value: off, source: e-mail, "
      "confidence: contract}}\n");
  const Applied applied = Apply(pipeline, "azure-account-default.json");
  ASSERT_THAT(applied.contradictions, SizeIs(1));
  const std::string text = ContradictionText(*Language::BuiltIn("en"), applied.contradictions[0]);
  EXPECT_THAT(text, HasSubstr("azure-engine.review: the description says off (contract; e-mail"));
  EXPECT_THAT(text, HasSubstr("p.yaml:9:"));
  EXPECT_THAT(text, HasSubstr("azure-account-default.json says human (properties.capabilities"));
  EXPECT_EQ(ValueOf(pipeline, "azure-engine", "review"), "human");
}

TEST(ApplyTest, AKeyOfTheVendorContradictsWhoeverCallsItHisOwn) {
  Pipeline pipeline = Describe(
      "use: aws-bedrock-cmk\nkeys: {bedrock-key: {holder: you, kept_in: hsm, beside_data: no}}\n");
  const Applied applied = Apply(pipeline, "aws-key-kms.json");
  ASSERT_THAT(applied.contradictions, SizeIs(2));
  EXPECT_EQ(applied.contradictions[0].field, "kept_in");
  EXPECT_EQ(applied.contradictions[1].claimed, "acme");
  EXPECT_EQ(applied.contradictions[1].found, "not you");
  EXPECT_EQ(ValueOf(pipeline, "bedrock-key", "holder"),
            "unknown");  // and not the vendor, as a guess
}

TEST(ApplyTest, WhatLeavesSeveralValuesContradictsOthersAndSettlesNone) {
  Pipeline off = Describe("use: google-vertex-zdr\n");
  EXPECT_THAT(Apply(off, "google-cache-on.json").contradictions, SizeIs(1));
  EXPECT_EQ(ValueOf(off, "vertex-engine", "prefix_cache"), "unknown");

  Pipeline tenant =
      Describe("use: google-vertex\nprocessors: {vertex-engine: {prefix_cache: per-tenant}}\n");
  EXPECT_THAT(Apply(tenant, "google-cache-on.json").contradictions, IsEmpty());
  EXPECT_EQ(ValueOf(tenant, "vertex-engine", "prefix_cache"), "per-tenant");
}

TEST(ApplyTest, AnElementOfTheUsersIsNamed) {
  const std::string body =
      "processors: {mine: {operator: you, sees: plaintext}}\n"
      "hops: {ask: {from: you, to: mine, transport: tls, key_exchange: hybrid, carries: "
      "content}}\n";
  Pipeline pipeline = Describe(body);
  EXPECT_THAT(Apply(pipeline, "flows-probe.json").unused, SizeIs(2));
  const Applied applied = Apply(pipeline, "flows-probe.json", "ask");
  EXPECT_THAT(applied.unused, IsEmpty());
  ASSERT_THAT(applied.contradictions, SizeIs(1));
  EXPECT_EQ(ValueOf(pipeline, "ask", "key_exchange"), "classical");

  Result<Export> content = ReadSample("flows-probe.json");
  ASSERT_TRUE(content);
  Result<Applied> nobody = ApplyEvidence(pipeline, {{*content, "aks"}});
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().message, HasSubstr("did you mean \"ask\"?"));
  Result<Applied> wrong = ApplyEvidence(pipeline, {{*content, "mine"}});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("says nothing of a processor"));
}

TEST(ApplyTest, AnAppraisalIsOfTheOnlyTee) {
  const std::string tee = "tees: {box: {type: tdx, verified_by: you}";
  const std::string engine = "}\nprocessors: {mine: {operator: you, tee: box, sees: plaintext}}\n";
  Pipeline one = Describe(tee + engine);
  const Applied applied = Apply(one, "appraisal.json");
  ASSERT_THAT(applied.contradictions, SizeIs(1));
  EXPECT_EQ(applied.contradictions[0].claimed, "tdx");
  EXPECT_EQ(ValueOf(one, "box", "debug"), "off");
  EXPECT_EQ(FactOf(one, "box", "debug").evidence.confidence, Confidence::kAttested);

  Pipeline two = Describe(tee + ", other: {type: sgx}" + engine);
  EXPECT_THAT(Apply(two, "appraisal.json").unused, SizeIs(3));
}

TEST(ApplyTest, WhatAReportSaysOfAttacksIsOfTheOneMachine) {
  const std::string engine = "}}\nprocessors: {mine: {operator: you, tee: box, sees: plaintext}}\n";
  Pipeline pipeline = Describe("tees: {box: {type: sev-snp, debug: off" + engine);
  EXPECT_EQ(ValueOf(pipeline, "box.battering-ram", "coverage"), "cannot-tell");
  const Applied applied = Apply(pipeline, "appraisal.json");
  EXPECT_THAT(applied.contradictions, IsEmpty());  // a table of machines in general claims nothing
  EXPECT_THAT(applied.unused, IsEmpty());
  EXPECT_EQ(ValueOf(pipeline, "box.battering-ram", "coverage"), "not-covered");
  EXPECT_EQ(FactOf(pipeline, "box.battering-ram", "coverage").evidence.confidence,
            Confidence::kAttested);

  // The type comes from the report, and with it the list that its answers are about.
  Pipeline untyped = Describe("tees: {box: {verified_by: you" + engine);
  Apply(untyped, "appraisal.json");
  EXPECT_EQ(ValueOf(untyped, "box.battering-ram", "coverage"), "not-covered");
  EXPECT_EQ(ValueOf(untyped, "box.cachewarp", "coverage"), "cannot-tell");

  Pipeline claimed = Describe(
      "attacks: {box.battering-ram: {coverage: covered}}\ntees: {box: {type: sev-snp, debug: off" +
      engine);
  ASSERT_THAT(Apply(claimed, "appraisal.json").contradictions, SizeIs(1));
}

TEST(ApplyTest, FactsOfOneFileAboutOneFieldLeaveWhatEachLeaves) {
  Result<Export> content = ReadExport(
      R"({"report": "casemate-flows", "time": "2026-11-20T00:00:00Z", "endpoints": [
          {"endpoint": "a:443", "protocol": "tls", "verdict": "classical"},
          {"endpoint": "b:443", "protocol": "tls", "verdict": "hybrid-enforced"}]})",
      "f.json", "2026-11-21");
  ASSERT_TRUE(content) << content.error().message;
  Pipeline pipeline = Describe("use: openai-api\n");
  Result<Applied> applied = ApplyEvidence(pipeline, {{*content, "openai-request"}});
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_THAT(applied->contradictions, IsEmpty());
  EXPECT_EQ(ValueOf(pipeline, "openai-request", "key_exchange"), "unknown");
}

TEST(ApplyTest, AWeakerFileDoesNotWeakenWhatItAgreesWith) {
  Pipeline pipeline = Describe(
      "use: openai-api\nprocessors: {openai-engine: {training: {value: yes, source: seen, "
      "confidence: measured}}}\n");
  EXPECT_THAT(Apply(pipeline, "openai-data-controls.json").contradictions, IsEmpty());
  EXPECT_EQ(FactOf(pipeline, "openai-engine", "training").evidence.confidence,
            Confidence::kMeasured);
}

TEST(ApplyTest, EvidenceMovesTheCellsThatHangOnIt) {
  const Result<RuleSet> rules = BuiltInRules();
  ASSERT_TRUE(rules);
  const AssessOptions options{.today = "2026-11-22", .label = 0, .counterfactuals = false};
  Pipeline pipeline = Describe("use: openai-api\n");
  EXPECT_EQ(Assess(pipeline, *rules, options).Find("quantum-recorder")->verdict, Verdict::kUnknown);
  Apply(pipeline, "flows-probe.json", "openai-request");
  EXPECT_EQ(Assess(pipeline, *rules, options).Find("quantum-recorder")->verdict,
            Verdict::kDoesNotStop);
}

}  // namespace
}  // namespace casemate::assess
