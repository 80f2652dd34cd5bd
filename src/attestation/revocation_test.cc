#include "attestation/revocation.h"

#include <gtest/gtest.h>

#include "attestation/evidence.h"
#include "attestation/roots.h"
#include "attestation/snp/appraise.h"
#include "attestation/snp/test_platform.h"

// The chain is that of an SEV-SNP report of a test's keys: VCEK <- SEV-Test <- ARK-Test, signed
// with RSASSA-PSS as AMD's. No list that AMD signed is in the public samples. All serial numbers of
// test certificates are 7.
namespace casemate::attestation {
namespace {

struct RevocationTest : testing::Test {
  snp::TestPlatform platform{.family = "Genoa"};
  Context context = platform.Trusting();
  Bytes report = platform.Report(3, 0x11);

  void Give(const Bytes& file) {
    Result<void> added = AddFile(Role::kCollateral, "f", file, context);
    EXPECT_TRUE(added.has_value()) << added.error().message;
  }
  void GiveList(bool by_root, const std::vector<std::int64_t>& serials,
                std::int64_t until = Day(2026, 7, 1)) {
    Give(crypto::IssueTestCrl(by_root ? "ARK-Test" : "SEV-Test",
                              by_root ? platform.root_key : platform.ask_key, Day(2026, 5, 1),
                              until, serials));
  }
  void GiveOcsp(bool revoked, std::int64_t until = Day(2026, 7, 1)) {
    Give(crypto::IssueTestOcsp({.certificate = context.certificates[1].der(),
                                .issuer = context.certificates[0].der(),
                                .revoked = revoked,
                                .this_update = Day(2026, 5, 1),
                                .next_update = until},
                               context.certificates[0].der(), platform.ask_key));
  }
  Appraisal Judge() const { return snp::Appraise("r", report, context); }
};

TEST_F(RevocationTest, WithoutListsItIsNotCheckedAndSaysSo) {
  const Appraisal appraisal = Judge();
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  EXPECT_EQ(OutcomeOf(appraisal, "revocation"), Outcome::kNotChecked);
  EXPECT_TRUE(appraisal.Find("revocation")
                  ->reason.starts_with("revocation not checked: lists or "
                                       "OCSP answers for 0 of 2"));
}

TEST_F(RevocationTest, AnArksListThatRevokesTheAskRefusesTheReport) {
  GiveList(true, {7});
  const Appraisal appraisal = Judge();
  EXPECT_EQ(appraisal.verdict(), Verdict::kRefused);
  EXPECT_EQ(appraisal.Find("revocation")->reason, "\"SEV-Test\" was revoked by CN=ARK-Test");
}

TEST_F(RevocationTest, AnAsksListThatRevokesTheVcekRefusesTheReport) {
  GiveList(false, {3, 7});
  EXPECT_EQ(Judge().Find("revocation")->reason, "\"SEV-VCEK\" was revoked by CN=SEV-Test");
}

TEST_F(RevocationTest, BothListsPassAndOneAloneIsNotEnough) {
  GiveList(true, {3});
  EXPECT_EQ(OutcomeOf(Judge(), "revocation"), Outcome::kNotChecked);
  EXPECT_TRUE(Judge().Find("revocation")->reason.contains("1 of 2"));
  GiveList(false, {});
  EXPECT_EQ(OutcomeOf(Judge(), "revocation"), Outcome::kPassed);
}

TEST_F(RevocationTest, AListOfAnotherKeyUnderTheSameNameSaysNothing) {
  Give(crypto::IssueTestCrl("ARK-Test", crypto::TestKey::Rsa(), Day(2026, 5, 1), Day(2026, 7, 1),
                            {7}));
  EXPECT_EQ(OutcomeOf(Judge(), "revocation"), Outcome::kNotChecked);
}

TEST_F(RevocationTest, AListThatHasRunOutIsRefusedUnlessAnotherHolds) {
  GiveList(true, {}, Day(2026, 5, 20));
  EXPECT_EQ(OutcomeOf(Judge(), "revocation"), Outcome::kFailed);
  EXPECT_TRUE(Judge().Find("revocation")->reason.ends_with("get the current one"));
  GiveList(true, {});
  EXPECT_EQ(OutcomeOf(Judge(), "revocation"), Outcome::kNotChecked) << "the VCEK's is missing";
}

TEST_F(RevocationTest, AnOldListStillRevokes) {
  GiveList(true, {7}, Day(2026, 5, 20));
  EXPECT_TRUE(Judge().Find("revocation")->reason.contains("was revoked"));
}

TEST_F(RevocationTest, AStoredOcspAnswerCountsAsAList) {
  GiveList(true, {});
  GiveOcsp(false);
  EXPECT_EQ(OutcomeOf(Judge(), "revocation"), Outcome::kPassed);
}

TEST_F(RevocationTest, ARevokedOcspAnswerRefusesAndAnOldGoodOneDoesNotHelp) {
  GiveOcsp(false, Day(2026, 5, 2));
  EXPECT_EQ(OutcomeOf(Judge(), "revocation"), Outcome::kFailed);
  context.ocsp_responses.clear();
  GiveOcsp(true);
  EXPECT_EQ(Judge().Find("revocation")->reason,
            "\"SEV-VCEK\" was revoked, says the OCSP responder of SEV-Test");
}

}  // namespace
}  // namespace casemate::attestation
