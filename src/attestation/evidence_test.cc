#include "attestation/evidence.h"

#include <gtest/gtest.h>

#include "attestation/sample_test.h"
#include "attestation/utc.h"

namespace casemate::attestation {
namespace {

TEST(EvidenceTest, WhatIsNoEvidenceIsRefusedWithWhatWasExpected) {
  const Context context;
  for (const std::string& content :
       {std::string(), std::string("\n"), std::string("hello"), std::string("{"), std::string("{}"),
        std::string("[]"), std::string(1184, '\0'), std::string("00")}) {
    const std::vector<Appraisal> appraisals = AppraiseFile("f", AsBytes(content), context);
    ASSERT_EQ(appraisals.size(), 1U);
    EXPECT_EQ(appraisals[0].verdict(), Verdict::kRefused) << content;
    EXPECT_EQ(OutcomeOf(appraisals[0], "format"), Outcome::kFailed);
  }
}

TEST(EvidenceTest, WhatStandsBesideEvidenceIsRefusedWithTheOptionForIt) {
  for (const auto& [file, option] : {std::pair{"trustee/snp/test-vcek.der", "--chain"},
                                     {"trustee/nvidia/hopper_cert_chain_case1.txt", "--chain"},
                                     {"trustee/tdx/tcbInfo.json", "--collateral"},
                                     {"trustee/tdx/enclaveIdentity.json", "--collateral"},
                                     {"go-tdx-guest/pckcrl", "--collateral"},
                                     {"nvtrust/Driver_RIM_test_no_gpu.swidtag", "--collateral"},
                                     {"trustee/cca/cpak-pub.json", "--root"}}) {
    const Appraisal appraisal = AppraiseFile(file, Sample(file), Context()).at(0);
    EXPECT_EQ(OutcomeOf(appraisal, "format"), Outcome::kFailed) << file;
    EXPECT_TRUE(appraisal.VerdictReason().contains(option)) << appraisal.VerdictReason();
  }
}

TEST(EvidenceTest, FilesBesideAreSortedByContent) {
  Context context;
  EXPECT_TRUE(AddFile(Role::kChain, "a", Sample("trustee/snp/test-vcek.der"), context));
  EXPECT_TRUE(
      AddFile(Role::kChain, "b", Sample("trustee/nvidia/hopper_cert_chain_case1.txt"), context));
  EXPECT_EQ(context.certificates.size(), 6U);
  EXPECT_TRUE(AddFile(Role::kCollateral, "c", Sample("go-tdx-guest/pckcrl"), context));
  EXPECT_TRUE(AddFile(Role::kCollateral, "d", Sample("go-tdx-guest/rootcrl.der"), context));
  EXPECT_EQ(context.revocation_lists.size(), 2U);
  EXPECT_TRUE(AddFile(Role::kCollateral, "e", Sample("trustee/tdx/tcbInfo.json"), context));
  EXPECT_EQ(context.collateral.size(), 1U);
  EXPECT_TRUE(AddFile(Role::kRoot, "f", Sample("trustee/cca/cpak-pub.json"), context));
  EXPECT_EQ(context.keys.size(), 1U);
}

TEST(EvidenceTest, AFileBesideOfAnotherKindIsRefusedByName) {
  Context context;
  for (const Role role : {Role::kChain, Role::kCollateral, Role::kRoot}) {
    Result<void> added = AddFile(role, "odd.bin", Bytes(100, std::byte{0x41}), context);
    ASSERT_FALSE(added.has_value());
    EXPECT_TRUE(added.error().message.starts_with("odd.bin: expected")) << added.error().message;
  }
}

TEST(EvidenceTest, TimesAreReadStrictly) {
  EXPECT_EQ(ParseUtc("1970-01-02").value(), 86400);
  EXPECT_EQ(ParseUtc("2026-11-22T17:40:41Z").value(), 1795369241);
  for (const char* bad :
       {"", "2026", "2026-13-01", "2026-02-30", "2026-11-22T17:40:41", "2026-11-22 17:40:41Z",
        "2026-11-22T24:00:00Z", "2026-11-22T17:60:00Z", "abcd-ef-gh"}) {
    EXPECT_FALSE(ParseUtc(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace casemate::attestation
