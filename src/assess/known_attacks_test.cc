#include "assess/known_attacks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "assess/test_pipelines.h"

namespace casemate::assess {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using Table = std::map<std::string, std::string>;

const RuleSet& Rules() {
  static const RuleSet rules = *BuiltInRules();
  return rules;
}

Table TableOf(const Pipeline& pipeline) {
  Table table;
  for (const Cell& cell : Assess(pipeline, Rules(), TestOptions()).cells) {
    table.emplace(cell.adversary->id, VerdictName(cell.verdict));
  }
  return table;
}

// The second reference file with another text in the place of one.
Pipeline Changed(const std::string& from, const std::string& to, const std::string& more = {}) {
  std::string text = ExampleText("confidential-computing");
  text.replace(text.find(from), from.size(), to);
  Result<Pipeline> pipeline = Pipeline::Parse(text + more, "p.yaml", Catalogue());
  EXPECT_TRUE(pipeline) << pipeline.error().message;
  return pipeline ? *std::move(pipeline) : Pipeline();
}

std::string ValueOf(const Pipeline& pipeline, std::string_view element, std::string_view field) {
  const std::size_t at = *pipeline.Find(element);
  return pipeline.ValueText(at, RequireField(pipeline.element(at).kind, field));
}

void State(Pipeline& pipeline, std::string_view element, std::string_view field,
           std::string_view value) {
  const Result<Fact> stated = pipeline.State(
      {.element = std::string(element),
       .field = std::string(field),
       .value = std::string(value),
       .evidence = {
           .source = "report.json", .date = "2026-11-22", .confidence = Confidence::kAttested}});
  ASSERT_TRUE(stated) << stated.error().message;
}

void CloseAll(Pipeline& pipeline, std::string_view served) {
  const std::vector<Element> elements = pipeline.elements();
  for (const Element& element : elements) {
    if (element.kind == Kind::kAttack &&
        ValueOf(pipeline, element.id, "serves").find(served) != std::string::npos) {
      State(pipeline, element.id, "coverage", "covered");
    }
  }
}

std::vector<std::string> AttacksOf(const Pipeline& pipeline, std::string_view row) {
  const Assessment assessment = Assess(pipeline, Rules(), TestOptions());
  std::vector<std::string> names;
  for (const ChainFact& attack : assessment.Find(row)->attacks) {
    names.push_back(attack.element + " " + attack.value);
  }
  return names;
}

TEST(KnownAttacksTest, TheTableThatAttestUsesIsReadHereToo) {
  const KnownAttacks& table = KnownAttacks::BuiltIn();
  EXPECT_GE(table.attacks.size(), 19U);
  EXPECT_TRUE(IsDate(table.date));
}

TEST(KnownAttacksTest, AnEnvironmentHasTheAttacksOfItsTypeAndOfItsAccelerator) {
  const Pipeline pipeline = *ReadExample("confidential-computing");
  const std::string host = ValueOf(pipeline, "enclave", "host_attacks");
  const std::string bus = ValueOf(pipeline, "enclave", "bus_attacks");
  EXPECT_THAT(host, HasSubstr("enclave.cachewarp"));
  EXPECT_THAT(host, HasSubstr("enclave.gpu-borrowing"));
  EXPECT_THAT(host, Not(HasSubstr("tdxdown")));
  EXPECT_THAT(host, Not(HasSubstr("battering-ram")));
  EXPECT_THAT(bus, HasSubstr("enclave.battering-ram"));
  EXPECT_THAT(bus, HasSubstr("enclave.badram"));  // a host can reach some modules, a hand all
  EXPECT_THAT(host, HasSubstr("enclave.badram"));
}

TEST(KnownAttacksTest, WithoutEvidenceNobodyCanTellAndTheSiliconSettlesSome) {
  const Pipeline unsaid = *ReadExample("confidential-computing");
  EXPECT_EQ(ValueOf(unsaid, "enclave.battering-ram", "coverage"), "cannot-tell");
  const Pipeline genoa = Changed("type: sev-snp", "type: sev-snp\n    line: genoa");
  EXPECT_EQ(ValueOf(genoa, "enclave.battering-ram", "coverage"), "not-affected");  // DDR5
  EXPECT_EQ(ValueOf(genoa, "enclave.cachewarp", "coverage"), "not-affected");
  EXPECT_EQ(ValueOf(genoa, "enclave.entrysign", "coverage"), "cannot-tell");  // a version decides
  const Pipeline milan = Changed("type: sev-snp", "type: sev-snp\n    line: milan");
  EXPECT_EQ(ValueOf(milan, "enclave.tee-fail", "coverage"), "not-affected");  // DDR4
  EXPECT_EQ(ValueOf(milan, "enclave.milanlaunchy-badfuse", "coverage"), "not-covered");
}

TEST(KnownAttacksTest, ThePathsNameTheAttacksThatRemain) {
  const Pipeline pipeline = Changed("type: sev-snp", "type: sev-snp\n    line: genoa");
  const std::vector<std::string> bus = AttacksOf(pipeline, "memory-interposer");
  EXPECT_THAT(bus, Contains("enclave.tee-fail cannot-tell"));
  EXPECT_THAT(bus, Not(Contains(HasSubstr("battering-ram"))));
  EXPECT_THAT(AttacksOf(pipeline, "host-root"), Contains("enclave.entrysign cannot-tell"));
  EXPECT_THAT(AttacksOf(pipeline, "processor-staff"), Not(Contains(HasSubstr("tee-fail"))));
}

TEST(KnownAttacksTest, OneThatIsClosedLeavesTheOthersAndAllThatAreClosedCloseThePath) {
  const Pipeline before = *ReadExample("confidential-computing");
  const Table table = TableOf(before);
  for (const Element& element : before.elements()) {
    if (element.kind == Kind::kAttack) {
      Pipeline one = before;
      State(one, element.id, "coverage", "covered");
      EXPECT_EQ(TableOf(one), table) << element.id;
    }
  }
  Pipeline bus = before;
  CloseAll(bus, "bus");
  Table expected = table;
  expected["memory-interposer"] = "stops";
  EXPECT_EQ(TableOf(bus), expected);

  // Staff of who signs the code have a way that is no attack on the environment.
  Pipeline host = before;
  CloseAll(host, "host");
  expected = table;
  expected["host-root"] = "stops";
  EXPECT_EQ(TableOf(host), expected);
  State(host, "enclave", "code_signed_by", "acme");
  EXPECT_EQ(TableOf(host)["processor-staff"], "stops");
  EXPECT_EQ(TableOf(host)["cloud-act"], "raises-cost");  // a device on the board is left
  CloseAll(host, "bus");
  EXPECT_EQ(TableOf(host)["cloud-act"], "stops");
}

TEST(KnownAttacksTest, WhatIsNotCoveredCountsAsWhatNobodyCanTellAndUnknownIsUnknown) {
  Pipeline pipeline = *ReadExample("confidential-computing");
  CloseAll(pipeline, "bus");
  State(pipeline, "enclave.tee-fail", "coverage", "not-covered");
  EXPECT_EQ(TableOf(pipeline)["memory-interposer"], "raises-cost");
  State(pipeline, "enclave.tee-fail", "coverage", "unknown");
  EXPECT_EQ(TableOf(pipeline)["memory-interposer"], "unknown");
}

TEST(KnownAttacksTest, ATypeOfWhichTheTableHasNothingIsUnknownAndNotSafe) {
  for (const std::string type : {"nitro", "apple", "other", "unknown"}) {
    const Pipeline pipeline = Changed("type: sev-snp", "type: " + type);
    const Table table = TableOf(pipeline);
    EXPECT_EQ(table.at("memory-interposer"), "unknown") << type;
    EXPECT_EQ(table.at("host-root"), "unknown") << type;
    EXPECT_EQ(table.at("processor-staff"), "raises-cost") << type;  // the vendor signs the code
  }
}

TEST(KnownAttacksTest, AFileStatesWhatItKnowsAndAttacksOfItsOwn) {
  const Pipeline pipeline =
      Changed("tees:",
              "attacks:\n  enclave.badram: {coverage: covered}\n"
              "  new-one: {title: New one, tee: enclave, serves: [host], coverage: "
              "not-covered}\ntees:");
  EXPECT_EQ(ValueOf(pipeline, "enclave.badram", "coverage"), "covered");
  EXPECT_EQ(ValueOf(pipeline, "enclave.badram", "tee"), "enclave");
  EXPECT_THAT(AttacksOf(pipeline, "host-root"), Contains("new-one not-covered"));
  EXPECT_THAT(AttacksOf(pipeline, "host-root"), Not(Contains(HasSubstr("badram"))));
}

TEST(KnownAttacksTest, AnAttackOnNothingIsRefusedWithItsPlace) {
  std::string text = ExampleText("confidential-computing");
  text += "attacks: {enclave.badrum: {coverage: covered}}\n";
  const Result<Pipeline> pipeline = Pipeline::Parse(text, "p.yaml", Catalogue());
  ASSERT_FALSE(pipeline);
  EXPECT_THAT(pipeline.error().message, HasSubstr("attack \"enclave.badrum\""));
  EXPECT_THAT(pipeline.error().message, testing::StartsWith("p.yaml:"));
}

TEST(KnownAttacksTest, AnotherTypeHasAnotherList) {
  Pipeline pipeline = *ReadExample("confidential-computing");
  State(pipeline, "enclave", "type", "tdx");
  AddKnownAttacks(pipeline, KnownAttacks::BuiltIn());
  EXPECT_THAT(ValueOf(pipeline, "enclave", "host_attacks"), HasSubstr("tdxdown"));
  EXPECT_THAT(ValueOf(pipeline, "enclave", "host_attacks"), Not(HasSubstr("cachewarp")));
}

TEST(KnownAttacksTest, TablesThatAreNoneAreRefused) {
  const std::string row =
      R"({"id":"a","name":"A","families":["tdx"],"serves":["host"],"source":"S","rules":[{"lines":["*"]}]})";
  const auto table = [](const std::string& rows) {
    return R"({"format":"casemate-attacks/1","date":"2026-11-22","attacks":[)" + rows + "]}";
  };
  EXPECT_TRUE(KnownAttacks::Read(table(row)));
  EXPECT_FALSE(KnownAttacks::Read("{}"));
  EXPECT_FALSE(KnownAttacks::Read(table(row) + "x"));
  for (const auto& [from, to] : std::map<std::string, std::string>{
           {R"("id":"a",)", ""},
           {R"("serves":["host"],)", ""},
           {R"("host")", R"("root")"},
           {R"("lines":["*"])", R"("lines":["*"],"coverage":"fine")"},
           {R"([{"lines":["*"]}])", "[]"},
           {R"("source":"S",)", ""}}) {
    std::string wrong = row;
    wrong.replace(wrong.find(from), from.size(), to);
    const Result<KnownAttacks> read = KnownAttacks::Read(table(wrong));
    ASSERT_FALSE(read) << to;
    EXPECT_THAT(read.error().message, HasSubstr("row 1")) << to;
  }
}

}  // namespace
}  // namespace casemate::assess
