#include <gtest/gtest.h>

#include "attestation/azure/envelope.h"
#include "attestation/azure/test_envelope.h"
#include "attestation/evidence.h"
#include "attestation/sample_test.h"
#include "attestation/snp/test_platform.h"
#include "crypto/sha2.h"

namespace casemate::attestation::azure {
namespace {

struct AzureTest : testing::Test {
  snp::TestPlatform platform{.family = "Genoa"};
  Context context = platform.Trusting();
  Bytes report = platform.Report(3, 0x11, [](Bytes& raw) {
    const Bytes digest = crypto::Hash(crypto::HashAlgorithm::kSha256, AsBytes(kRuntime));
    std::ranges::copy(digest, raw.begin() + 0x50);
  });
};

TEST_F(AzureTest, TheReportInsideIsVerifiedAndTheRuntimeDataIsBound) {
  const Appraisal appraisal = AppraiseFile("hcl", MakeEnvelope(report, 2, kRuntime), context).at(0);
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  EXPECT_EQ(appraisal.kind, Kind::kSevSnp);
  EXPECT_EQ(appraisal.wrapper, "azure-hcl");
  EXPECT_EQ(OutcomeOf(appraisal, "runtime-data"), Outcome::kPassed);
  EXPECT_TRUE(std::ranges::any_of(appraisal.facts, [](const NamedValue& fact) {
    return fact.name == "bound-key" && fact.value == "HCLAkPub";
  }));
  EXPECT_EQ(appraisal.vouchers.back().company, "Microsoft Corporation (Redmond WA)");
}

TEST_F(AzureTest, ATdReportInsideIsRefusedWithTheRemedy) {
  Bytes td_report(1024);
  const Bytes digest = crypto::Hash(crypto::HashAlgorithm::kSha256, AsBytes(kRuntime));
  std::ranges::copy(digest, td_report.begin() + 128);
  const Appraisal appraisal =
      AppraiseFile("hcl", MakeEnvelope(td_report, 4, kRuntime), context).at(0);
  EXPECT_EQ(appraisal.verdict(), Verdict::kRefused);
  EXPECT_EQ(OutcomeOf(appraisal, "runtime-data"), Outcome::kPassed);
  EXPECT_NE(appraisal.VerdictReason().find("quote"), std::string::npos);
}

TEST_F(AzureTest, EveryTruncationAndOtherTypesAreRefused) {
  const Bytes good = MakeEnvelope(report, 2, kRuntime);
  for (std::size_t size = 0; size < 1236 + kRuntime.size(); size += 5) {
    EXPECT_FALSE(ParseEnvelope(ByteView(good).first(size)).has_value()) << size;
  }
  EXPECT_FALSE(ParseEnvelope(MakeEnvelope(report, 3, kRuntime)).has_value());
  Bytes huge = good;
  huge[1235] = std::byte{0xFF};
  EXPECT_FALSE(ParseEnvelope(huge).has_value());
  Bytes hash = good;
  hash[1228] = std::byte{2};
  EXPECT_FALSE(ParseEnvelope(hash).has_value());
}

}  // namespace
}  // namespace casemate::attestation::azure
