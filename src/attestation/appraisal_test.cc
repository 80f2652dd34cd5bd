#include "attestation/appraisal.h"

#include <gtest/gtest.h>

#include "json/reader.h"

namespace casemate::attestation {
namespace {

TEST(AppraisalTest, NothingCheckedIsIncomplete) {
  EXPECT_EQ(Appraisal().verdict(), Verdict::kIncomplete);
}

TEST(AppraisalTest, OneFailedStepRefuses) {
  Appraisal appraisal;
  appraisal.Pass("signature", "good");
  appraisal.Refuse("chip-id", "another chip");
  appraisal.Pass("chain", "good");
  EXPECT_EQ(appraisal.verdict(), Verdict::kRefused);
  EXPECT_EQ(appraisal.VerdictReason(), "chip-id: another chip");
}

TEST(AppraisalTest, ADecidingStepThatIsMissingMakesItIncomplete) {
  Appraisal appraisal;
  appraisal.Pass("signature", "good");
  appraisal.Skip("revocation", "no CRL", false);
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified);
  appraisal.Skip("chain", "no certificate: give --chain", true);
  EXPECT_EQ(appraisal.verdict(), Verdict::kIncomplete);
  EXPECT_EQ(appraisal.VerdictReason(), "chain: no certificate: give --chain");
  appraisal.Skip("signature", "no certificate: give --chain", true);
  appraisal.Skip("tcb-level", "give the TCB info", true);
  EXPECT_EQ(appraisal.VerdictReason(),
            "chain: no certificate: give --chain; tcb-level: give the TCB info")
      << "each remedy once";
}

TEST(AppraisalTest, ItsJsonHasEveryMemberEvenWhenEmpty) {
  const Plaintext json = ToJson({Appraisal()});
  Result<json::Document> document = json::Document::Parse(json);
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(document->root().Get("format")->AsName().value(), "casemate-appraisal/1");
  const json::Value first = document->root().Get("appraisals")->Elements().at(0);
  for (const char* member : {"source", "kind", "wrapper", "evidence_format", "product", "time",
                             "verdict", "verdict_reason", "steps", "tcb", "policy", "facts",
                             "vouchers", "cannot_show", "attacks_date", "attacks", "warnings"}) {
    EXPECT_TRUE(first.Get(member).has_value()) << member;
  }
}

TEST(AppraisalTest, TextOfTheEvidenceCannotSpeakToTheTerminal) {
  Appraisal appraisal;
  appraisal.source = "a\033[2Jb";
  appraisal.AddFact("name", "x\ny");
  appraisal.AddFact("a\033name-of-claims-that-is-long", "value");
  const std::string text = ToText(appraisal, false);
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_EQ(text.find("x\ny"), std::string::npos);
  EXPECT_NE(text.find("that-is-long value"), std::string::npos);
  appraisal.Pass("chain", "a | b");
  EXPECT_NE(ToMarkdown(appraisal).find("a \\| b"), std::string::npos);
}

}  // namespace
}  // namespace casemate::attestation
