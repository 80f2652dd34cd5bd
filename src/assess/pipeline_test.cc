#include "assess/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assess/catalogue.h"
#include "base/file.h"

namespace casemate::assess {
namespace {

using testing::HasSubstr;

constexpr std::string_view kSmall = R"(casemate: pipeline
name: small
date: 2026-11-22
you: acme
sources:
  dpa: {title: Data processing agreement, date: 2026-01-12, confidence: contract}
evidence: {source: interview with operations, confidence: claimed}
parties:
  acme: {seat: DE, parent: none}
  vendor:
    seat: {value: IE, source: dpa}
    parent: vendor-inc
  vendor-inc:
    seat: US
processors:
  client: {operator: you, sees: plaintext}
  engine:
    evidence: {source: vendor's page, date: 2026-05-01, confidence: documented}
    operator: vendor
    tee: none
    swap: {value: off, confidence: unknown}
    firmware_by: [vendor, vendor-inc]
hops:
  ask: {from: client, to: engine, key_exchange: classical}
)";

Result<Pipeline> Read(std::string_view text) {
  return Pipeline::Parse(text, "p.yaml", Catalogue());
}

std::string Refusal(std::string_view text) {
  Result<Pipeline> pipeline = Read(text);
  return pipeline ? "(no error)" : pipeline.error().message;
}

// kSmall with one part replaced.
std::string With(std::string_view before, std::string_view after) {
  std::string text(kSmall);
  const std::size_t at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  return text.replace(at, before.size(), after);
}

const Fact& FactOf(const Pipeline& pipeline, std::string_view element, std::string_view field) {
  const std::size_t index = *pipeline.Find(element);
  return pipeline.fact(index, *FieldIndex(pipeline.element(index).kind, field));
}

TEST(PipelineTest, FactsCarryTheNearestEvidence) {
  Result<Pipeline> pipeline = Read(kSmall);
  ASSERT_TRUE(pipeline) << pipeline.error().message;

  const Fact& seat = FactOf(*pipeline, "vendor", "seat");
  EXPECT_EQ(seat.evidence.source, "Data processing agreement");
  EXPECT_EQ(seat.evidence.date, "2026-01-12");
  EXPECT_EQ(seat.evidence.confidence, Confidence::kContract);
  const Fact& tee = FactOf(*pipeline, "engine", "tee");
  EXPECT_TRUE(tee.is_none());
  EXPECT_EQ(tee.evidence.confidence, Confidence::kDocumented);
  EXPECT_EQ(tee.place.Text(), "p.yaml:20:5");
  const Fact& parent = FactOf(*pipeline, "acme", "parent");
  EXPECT_EQ(parent.evidence.source, "interview with operations");
  EXPECT_EQ(parent.evidence.date, "2026-11-22");  // the description's own
}

TEST(PipelineTest, WhatNobodyStatedAndWhatNobodyKnowsIsUnknown) {
  Result<Pipeline> pipeline = Read(kSmall);
  ASSERT_TRUE(pipeline);
  EXPECT_FALSE(FactOf(*pipeline, "engine", "tenancy").known);
  EXPECT_FALSE(FactOf(*pipeline, "engine", "swap").known);  // a value of unknown confidence
  EXPECT_EQ(FactOf(*pipeline, "engine", "swap").evidence.confidence, Confidence::kUnknown);
}

TEST(PipelineTest, YouIsTheAskingParty) {
  Result<Pipeline> pipeline = Read(kSmall);
  ASSERT_TRUE(pipeline);
  EXPECT_EQ(pipeline->element(pipeline->you()).id, "acme");
  const std::size_t client = *pipeline->Find("client");
  EXPECT_EQ(pipeline->ValueText(client, *FieldIndex(Kind::kProcessor, "operator")), "acme");
  const std::size_t engine = *pipeline->Find("engine");
  EXPECT_EQ(pipeline->ValueText(engine, *FieldIndex(Kind::kProcessor, "firmware_by")),
            "vendor, vendor-inc");
}

TEST(PipelineTest, AnUnknownFieldIsRefusedWithPlaceAndNearestName) {
  EXPECT_EQ(Refusal(With("    tee: none", "    operater: acme")),
            "p.yaml:20:5: a processor has no \"operater\" (did you mean \"operator\"?)");
  EXPECT_EQ(Refusal(With("processors:", "procesors:")),
            "p.yaml:15:1: a pipeline has no \"procesors\" (did you mean \"processors\"?)");
  EXPECT_THAT(Refusal(With("value: IE", "valeu: IE")), HasSubstr("p.yaml:11:12: a fact has no"));
}

TEST(PipelineTest, AValueThatThereIsNotIsRefusedWithWhatThereIs) {
  EXPECT_EQ(
      Refusal(With("key_exchange: classical", "key_exchange: clasical")),
      "p.yaml:24:49: key_exchange: expected hybrid, post-quantum, classical or unknown, found "
      "\"clasical\" (did you mean \"classical\"?)");
  EXPECT_THAT(Refusal(With("seat: US", "seat: USA")),
              HasSubstr("p.yaml:14:11: seat: expected a country"));
  EXPECT_THAT(Refusal(With("date: 2026-05-01", "date: 2026-02-30")),
              HasSubstr("expected YYYY-MM-DD"));
  EXPECT_THAT(Refusal(With("confidence: documented", "confidence: sure")),
              HasSubstr("expected measured, attested"));
}

TEST(PipelineTest, AReferenceToNothingIsRefused) {
  EXPECT_EQ(Refusal(With("parent: vendor-inc", "parent: vendor-ink")),
            "p.yaml:12:13: parent: expected the id of a party that is declared, found "
            "\"vendor-ink\" (did you mean \"vendor-inc\"?)");
  EXPECT_THAT(Refusal(With("operator: vendor", "operator: client")),
              HasSubstr("expected the id of a party, found \"client, a processor\""));
  EXPECT_THAT(Refusal(With("you: acme", "you: amce")),
              HasSubstr("p.yaml:4:6: you: expected the id of a party"));
}

TEST(PipelineTest, TwoOwnersAreRefused) {
  EXPECT_EQ(Refusal(With("operator: vendor", "operator: [vendor, acme]")),
            "p.yaml:19:15: operator: expected one value, found a list of 2; where two own a thing, "
            "make two elements of it");
  EXPECT_THAT(Refusal(With("    tee: none", "    operator: acme")), HasSubstr("stands here twice"));
}

TEST(PipelineTest, AHopToNowhereOrToItselfIsRefused) {
  EXPECT_THAT(Refusal(With("to: engine, ", "")),
              HasSubstr("p.yaml:24:3: hop \"ask\" leads nowhere"));
  EXPECT_THAT(Refusal(With("to: engine", "to: client")), HasSubstr("leads back"));
  EXPECT_THAT(Refusal(With("to: engine", "to: ask")), HasSubstr("party, processor or store"));
}

TEST(PipelineTest, CirclesOfOwnershipAreRefused) {
  EXPECT_THAT(Refusal(With("seat: US", "parent: vendor")), HasSubstr("a circle"));
  EXPECT_THAT(Refusal(With("parent: none", "parent: acme")),
              HasSubstr("\"acme\" is, over others or"));
}

TEST(PipelineTest, AnIdIsThereOnce) {
  EXPECT_THAT(Refusal(With("hops:", "stores:\n  engine: {operator: you}\nhops:")),
              HasSubstr("\"engine\" is a processor already, at p.yaml:17:3"));
  EXPECT_THAT(Refusal(With("  client: {", "  You: {")), HasSubstr("an id has 1 to 64"));
}

TEST(PipelineTest, WhatIsNoPipelineIsRefused) {
  EXPECT_THAT(Refusal("[1, 2]"), HasSubstr("expected a mapping"));
  EXPECT_THAT(Refusal("casemate: catalogue\n"), HasSubstr("names it under use:"));
  EXPECT_THAT(Refusal("casemate: pipeline\nname: a\ndate: 2026-01-01\n"),
              HasSubstr("\"you\" is missing"));
  EXPECT_THAT(Refusal("casemate: pipeline\nname: a\ndate: 2026-01-01\nyou: b\nparties: {b: }\n"),
              HasSubstr("no processor"));
  EXPECT_THAT(Refusal(With("tee: none", "tee:")), HasSubstr("write unknown if nobody knows"));
  EXPECT_THAT(Refusal(With("[vendor, vendor-inc]", "[]")), HasSubstr("empty list"));
  EXPECT_THAT(Refusal(With("[vendor, vendor-inc]", "[vendor, none]")), HasSubstr("stands alone"));
}

TEST(PipelineTest, AShortFormIsFilledFromTheCatalogueAndOverridden) {
  Result<Catalogue> catalogue = Catalogue::FromTexts(
      {{"base.yaml",
        "casemate: catalogue\nid: base\nvendor: V\nservice: S\nmodel: '*'\nconfiguration: default\n"
        "date: 2026-03-01\nparties: {v: {seat: US}}\n"
        "processors: {v-engine: {operator: v, tenancy: shared, review: human}}\n"},
       {"zdr.yaml",
        "casemate: catalogue\nid: zdr\nextends: base\nvendor: V\nservice: S\nmodel: '*'\n"
        "configuration: zero retention\ndate: 2026-04-01\nprocessors: {v-engine: {review: "
        "off}}\n"}});
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  Result<Pipeline> pipeline = Pipeline::Parse(
      "casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: acme\nuse: zdr\nparties: {acme: }\n"
      "processors:\n  v-engine: {tenancy: {value: dedicated, source: order form, confidence: "
      "contract}}\n",
      "p.yaml", *catalogue);
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  const std::size_t engine = *pipeline->Find("v-engine");
  const auto text = [&](std::string_view field) {
    return pipeline->ValueText(engine, *FieldIndex(Kind::kProcessor, field));
  };
  EXPECT_EQ(text("operator"), "v");
  EXPECT_EQ(text("review"), "off");
  EXPECT_EQ(text("tenancy"), "dedicated");
  EXPECT_EQ(FactOf(*pipeline, "v-engine", "operator").evidence.date, "2026-03-01");
  EXPECT_EQ(FactOf(*pipeline, "v-engine", "operator").evidence.confidence, Confidence::kDocumented);
  EXPECT_EQ(FactOf(*pipeline, "v-engine", "tenancy").evidence.confidence, Confidence::kContract);

  Result<Pipeline> missing = Pipeline::Parse(
      "casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: acme\nuse: zrd\nparties: {acme: }\n",
      "p.yaml", *catalogue);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "p.yaml:5:6: use: the catalogue has no \"zrd\" (did you mean \"zdr\"?)");
}

TEST(PipelineTest, AnEntryThatExtendsItselfIsRefused) {
  Result<Catalogue> catalogue = Catalogue::FromTexts(
      {{"a.yaml",
        "casemate: catalogue\nid: a\nextends: a\nvendor: V\nservice: S\nmodel: '*'\n"
        "configuration: default\ndate: 2026-03-01\n"}});
  ASSERT_TRUE(catalogue);
  EXPECT_FALSE(catalogue->Chain("a"));
}

TEST(PipelineTest, StatingReplacesAFactAndReturnsTheOldOne) {
  Result<Pipeline> pipeline = Read(kSmall);
  ASSERT_TRUE(pipeline);
  Result<Fact> before = pipeline->State({.element = "ask",
                                         .field = "key_exchange",
                                         .value = "hybrid",
                                         .evidence = {.source = "casemate flows probe",
                                                      .date = "2026-11-22",
                                                      .confidence = Confidence::kMeasured}});
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->text, "classical");
  EXPECT_EQ(FactOf(*pipeline, "ask", "key_exchange").evidence.confidence, Confidence::kMeasured);
  EXPECT_FALSE(pipeline->State({.element = "asc", .field = "x", .value = "y", .evidence = {}}));
  EXPECT_FALSE(
      pipeline->State({.element = "ask", .field = "key_exchang", .value = "y", .evidence = {}}));
  EXPECT_FALSE(
      pipeline->State({.element = "ask", .field = "key_exchange", .value = "y", .evidence = {}}));
}

TEST(PipelineTest, LifetimesAreOfAllHopsOrByLabelAndAHopSaysItsOwn) {
  const auto years = [](const std::string& lifetimes) {
    const Result<Pipeline> pipeline = Pipeline::Parse(
        "casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: a\nlifetimes: " + lifetimes +
            "\nparties: {a: }\nprocessors: {m: {operator: you}, n: {operator: you}}\n"
            "hops:\n  own: {from: a, to: m, lifetime_years: 1}\n"
            "  low: {from: a, to: n, label: public}\n  high: {from: a, to: n, label: secret}\n",
        "p.yaml", Catalogue());
    if (!pipeline) {
      return pipeline.error().message;
    }
    std::string text;
    for (const char* hop : {"own", "low", "high"}) {
      text +=
          pipeline->ValueText(*pipeline->Find(hop), RequireField(Kind::kHop, "lifetime_years")) +
          " ";
    }
    return text;
  };
  EXPECT_EQ(years("10"), "1 10 10 ");
  EXPECT_EQ(years("{public: 0, secret: 30}"), "1 0 30 ");
  EXPECT_EQ(years("{secret: unknown}"), "1 unknown unknown ");
  EXPECT_THAT(years("{secrit: 3}"),
              testing::HasSubstr("p.yaml:5:13: lifetimes: expected one of the labels"));
  EXPECT_THAT(years("long"), testing::HasSubstr("whole number"));
  EXPECT_THAT(years("[1, 2]"), testing::HasSubstr("lifetimes:"));
}

TEST(PipelineTest, TheSchemaInTheDocsIsTheOneOfThisProgram) {
  Result<Bytes> file =
      ReadFile(CASEMATE_SOURCE_DIR "/docs/formats/pipeline.schema.json", std::size_t{1} << 20);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(AsText(*file) == PipelineSchema())
      << "write it anew: casemate assess schema > docs/formats/pipeline.schema.json";
}

}  // namespace
}  // namespace casemate::assess
