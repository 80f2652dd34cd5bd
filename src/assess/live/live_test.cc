#include "assess/live/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assess/fact_text.h"
#include "assess/result.h"

namespace casemate::assess {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kDeclared = R"(casemate: pipeline
name: ours
date: 2026-11-23
you: acme
use: casemate-live
lifetimes: 10
parties:
  acme: {seat: DE, parent: none, affiliates: none, sub_processors: none}
processors:
  casemate-engine: {updates_by: acme, updates: reviewed, firmware_by: none}
)";

class LiveTest : public ::testing::Test {
 protected:
  LiveTest() {
    // A machine of one's own, in good order: what each test changes is what its cells move by.
    facts_.date = "2026-11-23";
    facts_.deployment = "/srv/casemate";
    facts_.version = "1.0";
    facts_.token = "casemate on SoftHSM2, AES-KEY-WRAP";
    facts_.pin_protection = "argon2id";
    facts_.passphrase = PassphraseKept::kNo;
    facts_.mirror = "/mnt/other";
    facts_.tenants = {"default"};
    facts_.models = {"granite"};
    facts_.log_level = "info";
    facts_.hops_since = "2026-11-23T00:00:00Z";
    facts_.host.swap = Swap::kOff;
    facts_.host.crash_kernel_known = true;
    facts_.host.ports = Ports::kClosed;
    facts_.connections = {{"127.0.0.1", "tls", "hybrid", "X25519MLKEM768", 3},
                          {"uid 0", "unix-socket", "local", "", 2}};
    rules_ = *BuiltInRules();
  }

  Result<LivePipeline> Make(std::string_view text = "") const {
    return MakeLive(facts_, std::string(text), "operator.yaml", *Catalogue::BuiltIn());
  }
  Assessment Judge(std::string_view text = "") const {
    Result<LivePipeline> made = Make(text);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    const AssessOptions options{.today = "2026-11-23", .label = 0, .counterfactuals = false};
    return Assess(made->pipeline, rules_, options);
  }
  Verdict Of(std::string_view row, std::string_view text = "") const {
    return Judge(text).Find(row)->verdict;
  }
  std::string FactOf(std::string_view element, std::string_view field) const {
    const Pipeline pipeline = Make()->pipeline;
    const std::size_t at = *pipeline.Find(element);
    return pipeline.ValueText(at, RequireField(pipeline.element(at).kind, field));
  }

  LiveFacts facts_;
  RuleSet rules_;
};

TEST_F(LiveTest, APinBesideTheTokenDoesNotStopAThief) {
  facts_.pin_protection = "insecure-file";
  facts_.pin_beside = true;
  const Assessment assessment = Judge();
  const Cell& thief = *assessment.Find("storage-thief");
  EXPECT_EQ(thief.verdict, Verdict::kDoesNotStop);
  EXPECT_EQ(Of("storage-breach"), Verdict::kDoesNotStop);
  // Nothing but the medium is needed, and the key's place was measured.
  EXPECT_EQ(thief.confidence, Confidence::kDocumented);
  EXPECT_TRUE(std::ranges::any_of(
      thief.chain, [](const ChainStep& step) { return step.rule->id == "media-key-beside"; }));
}

TEST_F(LiveTest, ALeftOverPinFileCountsWhateverTheSettingsSay) {
  facts_.pin_beside = true;
  EXPECT_EQ(Of("storage-thief"), Verdict::kDoesNotStop);
}

TEST_F(LiveTest, ATypedPassphraseRaisesAThiefsCostAndNoMore) {
  EXPECT_EQ(Of("storage-thief"), Verdict::kRaisesCost);
  EXPECT_EQ(Of("storage-breach"), Verdict::kRaisesCost);
}

TEST_F(LiveTest, APassphraseFromAFileLeavesTheThiefUnknown) {
  for (const PassphraseKept kept : {PassphraseKept::kYes, PassphraseKept::kNotSeen}) {
    facts_.passphrase = kept;
    const Assessment assessment = Judge();
    const Cell& thief = *assessment.Find("storage-thief");
    EXPECT_EQ(thief.verdict, Verdict::kUnknown);
    EXPECT_EQ(thief.worst, Verdict::kDoesNotStop);
  }
  facts_.pin_protection = "credential";
  EXPECT_EQ(Of("storage-thief"), Verdict::kUnknown);
}

TEST_F(LiveTest, ATokenInHardwareStopsAThiefOnItsMakersWord) {
  facts_.own_token = false;
  facts_.module = "/usr/lib/opensc-pkcs11.so";
  const Assessment assessment = Judge();
  EXPECT_EQ(assessment.Find("storage-thief")->verdict, Verdict::kStops);
  EXPECT_EQ(assessment.Find("storage-thief")->confidence, Confidence::kClaimed);
  EXPECT_EQ(FactOf("casemate-store", "erasure"), "object-key");
  facts_.module = "/usr/lib/softhsm/libsofthsm2.so";
  EXPECT_EQ(Of("storage-thief"), Verdict::kUnknown);
  EXPECT_EQ(FactOf("casemate-store", "erasure"), "delete");
}

TEST_F(LiveTest, SwapOnADiskOpensTheMediaUnlessItIsEncrypted) {
  facts_.host.swap = Swap::kPlain;
  facts_.host.swap_areas = "/dev/sda2";
  EXPECT_EQ(Of("storage-thief"), Verdict::kDoesNotStop);
  facts_.host.swap = Swap::kEncrypted;
  EXPECT_EQ(Of("storage-thief"), Verdict::kRaisesCost);
  facts_.host.swap = Swap::kNotKnown;
  EXPECT_EQ(Of("storage-thief"), Verdict::kUnknown);
}

TEST_F(LiveTest, ACrashKernelWritesMemoryDown) {
  facts_.host.crash_kernel = true;
  EXPECT_EQ(Of("storage-thief"), Verdict::kDoesNotStop);
}

TEST_F(LiveTest, HybridHopsStopARecorderAndClassicalOnesDoNot) {
  EXPECT_EQ(Of("quantum-recorder"), Verdict::kStops);
  facts_.connections.push_back({"10.1.0.9", "tls", "hybrid", "X25519MLKEM768", 1});
  EXPECT_EQ(Of("quantum-recorder"), Verdict::kStops);
  facts_.connections.push_back({"10.1.0.7", "tls", "classical", "X25519", 1});
  EXPECT_EQ(Of("quantum-recorder", kDeclared), Verdict::kDoesNotStop);
  EXPECT_EQ(Of("quantum-recorder"), Verdict::kUnknown);  // for how long is it secret?
  // Where the operator says that those machines are his, the date is his as well.
  const std::string own =
      std::string(kDeclared) + "hops:\n  casemate-remote-classical: {from: acme}\n";
  EXPECT_EQ(Of("quantum-recorder", own), Verdict::kControllable);
}

TEST_F(LiveTest, AClassicalClientThatMayComeLeavesTheRecorderUnknown) {
  facts_.classical_from = {"10.1.0.0/16"};
  EXPECT_EQ(Of("quantum-recorder"), Verdict::kUnknown);
}

TEST_F(LiveTest, WithoutAnyConnectionThePolicyIsWhatWasMeasured) {
  facts_.connections.clear();
  EXPECT_EQ(Of("quantum-recorder"), Verdict::kStops);
  EXPECT_EQ(FactOf("casemate-request", "key_exchange"), "hybrid");
  facts_.tls_minimum = "classical";
  EXPECT_EQ(Of("quantum-recorder"), Verdict::kUnknown);
}

TEST_F(LiveTest, WhoeverRunsTheMachineBelowIsNotStopped) {
  EXPECT_EQ(Of("host-root"), Verdict::kDoesNotStop);  // root of one's own machine
  facts_.host.is_virtual = true;
  facts_.host.product = "QEMU";
  EXPECT_EQ(Of("host-root"), Verdict::kDoesNotStop);
  EXPECT_EQ(FactOf("casemate-host", "operator"), "unknown");
  EXPECT_EQ(FactOf("casemate-engine", "snapshots"), "unknown");
  // Somebody else's people may be below, and nobody has said whose.
  EXPECT_EQ(Of("processor-staff", kDeclared), Verdict::kUnknown);
  EXPECT_EQ(Of("cloud-act", kDeclared), Verdict::kUnknown);
}

TEST_F(LiveTest, ATeeThatOnlyTheKernelNamesStopsNobody) {
  facts_.host.is_virtual = true;
  facts_.host.tee = "sev-snp";
  const Assessment assessment = Judge();
  EXPECT_EQ(assessment.Find("host-root")->verdict, Verdict::kUnknown);
  EXPECT_EQ(assessment.Find("host-root")->worst, Verdict::kDoesNotStop);
}

TEST_F(LiveTest, JurisdictionIsUnknownUntilItIsDeclared) {
  for (const std::string_view row : {"civil-discovery", "cloud-act", "fisa-702"}) {
    EXPECT_EQ(Of(row), Verdict::kUnknown) << row;
  }
  EXPECT_EQ(Of("cloud-act", kDeclared), Verdict::kStops);
  EXPECT_EQ(Of("processor-staff", kDeclared), Verdict::kNotApplicable);
}

TEST_F(LiveTest, SeveralTenantsOnOneMachineAreNeighbours) {
  EXPECT_EQ(Of("co-tenant"), Verdict::kStops);
  facts_.tenants = {"default", "other"};
  EXPECT_EQ(Of("co-tenant"), Verdict::kRaisesCost);
}

TEST_F(LiveTest, ADeclarationDoesNotReplaceAMeasurement) {
  facts_.host.swap = Swap::kPlain;
  facts_.host.swap_areas = "/dev/sda2";
  std::string text(kDeclared);
  text.replace(text.find("updates: reviewed"), 17, "updates: reviewed, swap: off");
  const Result<LivePipeline> made = Make(text);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->contradictions.size(), 1U);
  const Contradiction& found = made->contradictions[0];
  EXPECT_EQ(found.Name(), "casemate-engine.swap");
  EXPECT_EQ(found.claimed, "off");
  EXPECT_EQ(found.claimed_at.Text(), "operator.yaml:10:58");
  EXPECT_EQ(found.found, "plain");
  EXPECT_EQ(found.path, "/proc/swaps: /dev/sda2");
  EXPECT_EQ(Of("storage-thief", text), Verdict::kDoesNotStop);
}

TEST_F(LiveTest, ADeclarationThatAgreesIsNoContradictionAndStaysMeasured) {
  std::string text(kDeclared);
  text.replace(text.find("updates: reviewed"), 17, "updates: reviewed, swap: off, operator: acme");
  const Result<LivePipeline> made = Make(text);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->contradictions, IsEmpty());
  const std::size_t engine = *made->pipeline.Find("casemate-engine");
  EXPECT_EQ(made->pipeline.fact(engine, RequireField(Kind::kProcessor, "swap")).evidence.confidence,
            Confidence::kMeasured);
}

TEST_F(LiveTest, WhoeverSaysThatItIsUnknownContradictsNothing) {
  facts_.host.swap = Swap::kPlain;
  facts_.host.swap_areas = "/dev/sda2";
  std::string text(kDeclared);
  text.replace(text.find("updates: reviewed"), 17, "updates: reviewed, swap: unknown");
  const Result<LivePipeline> made = Make(text);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->contradictions, IsEmpty());
  EXPECT_EQ(Of("storage-thief", text), Verdict::kDoesNotStop);
}

TEST_F(LiveTest, AFileThatIsAboutSomethingElseIsRefused) {
  const Result<LivePipeline> made = Make(
      "casemate: pipeline\nname: a\ndate: 2026-11-23\nyou: acme\nparties: {acme: {seat: DE}}\n"
      "processors: {engine: {operator: acme}}\n");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("use: casemate-live"));
  const Result<LivePipeline> wrong =
      Make(std::string(kDeclared) + "keys:\n  casemate-root: {holdr: acme}\n");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("operator.yaml:12:19: a key has no \"holdr\""));
}

TEST_F(LiveTest, WhatIsWrittenReadsBackToTheSameFactsAndTable) {
  facts_.host.is_virtual = true;
  facts_.host.product = "a \"quoted\\ name\n: {";
  facts_.connections.push_back({"10.1.0.7", "tls", "classical", "X25519", 1});
  const LivePipeline made = *Make(kDeclared);
  const std::string text = DescribePipeline(made.pipeline, "first\nsecond");
  EXPECT_THAT(text, testing::StartsWith("# first\n# second\ncasemate: pipeline\n"));
  const Result<Pipeline> again = Pipeline::Parse(text, "own.yaml", Catalogue());
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->elements().size(), made.pipeline.elements().size());
  for (std::size_t i = 0; i < made.pipeline.elements().size(); ++i) {
    const Element& element = made.pipeline.element(i);
    const std::optional<std::size_t> same = again->Find(element.id);
    ASSERT_TRUE(same) << element.id;
    for (std::size_t field = 0; field < element.facts.size(); ++field) {
      const Fact& fact = again->fact(*same, field);
      EXPECT_EQ(again->ValueText(*same, field), made.pipeline.ValueText(i, field)) << element.id;
      if (fact.known) {
        EXPECT_EQ(fact.evidence.confidence, element.facts[field].evidence.confidence);
        EXPECT_EQ(fact.evidence.source, element.facts[field].evidence.source);
        EXPECT_EQ(fact.evidence.date, element.facts[field].evidence.date);
      }
    }
    EXPECT_EQ(again->LabelOf(*same), made.pipeline.LabelOf(i));
  }
  // What cannot be written is not: no text of the server's breaks out of its quotes.
  EXPECT_EQ(YamlText("a\"b\\c\n"), "\"a\\\"b\\\\c?\"");
  EXPECT_EQ(YamlText("off"), "off");
  EXPECT_EQ(YamlText("no: yes"), "\"no: yes\"");
}

}  // namespace
}  // namespace casemate::assess
