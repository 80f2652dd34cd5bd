#include <gtest/gtest.h>

#include "attestation/evidence.h"
#include "attestation/sample_test.h"

// Every file of tests/data/attestation that is evidence, and what its README says that a verifier
// should say.
namespace casemate::attestation {
namespace {

struct Case {
  const char* file;
  std::vector<const char*> chain;
  std::vector<const char*> collateral;
  std::int64_t time;
  Kind kind;
  Verdict verdict;
  const char* failed;  // the first failed step, or nullptr
};

constexpr const char* kQe2023 = "go-tdx-guest/sample_qeIdentity_response";
constexpr const char* kInfo2023 = "go-tdx-guest/sample_tcbInfo_response";
constexpr const char* kSigner = "go-tdx-guest/tcb_signing_issuer_chain.pem";

std::vector<Case> Cases() {
  using enum Kind;
  using enum Verdict;
  const std::int64_t y2023 = Day(2023, 7, 1);
  const std::int64_t y2024 = Day(2024, 1, 1);
  const std::int64_t y2026 = Day(2026, 1, 1);
  return {
      {"go-sev-guest/attestation.bin",
       {"go-sev-guest/vcek.testcer"},
       {},
       y2024,
       kSevSnp,
       kRefused,
       "debug"},
      {"virtee-sev/report_milan.hex",
       {"virtee-sev/vcek_milan.der"},
       {},
       y2024,
       kSevSnp,
       kVerified,
       nullptr},
      {"trustee/snp/test-report.bin",
       {"trustee/snp/test-vcek.der"},
       {},
       y2024,
       kSevSnp,
       kVerified,
       nullptr},
      {"trustee/snp/test-report.bin",
       {"virtee-sev/vcek_turin.der"},
       {},
       y2026,
       kSevSnp,
       kRefused,
       "signature"},
      {"trustee/snp/test-report.bin",
       {"trustee/snp/test-vcek-invalid-legacy.der"},
       {},
       y2024,
       kSevSnp,
       kRefused,
       "signature"},
      {"trustee/snp/test-report.bin",
       {"trustee/snp/test-vcek-invalid-new.der"},
       {},
       y2024,
       kSevSnp,
       kRefused,
       "signature"},
      {"trustee/snp/test-vlek-report.bin",
       {"trustee/snp/test-vlek.der"},
       {},
       Day(2025, 6, 1),
       kSevSnp,
       kVerified,
       nullptr},
      {"trustee/snp/test-vlek-report.bin",
       {"trustee/snp/test-vlek.der"},
       {},
       y2026,
       kSevSnp,
       kRefused,
       "validity"},
      {"trustee/snp/e2e-evidence-zen4c.json", {}, {}, y2026, kSevSnp, kVerified, nullptr},
      {"trustee/tdx/tdx_quote_4.dat",
       {},
       {kInfo2023, kQe2023, kSigner},
       y2023,
       kTdx,
       kRefused,
       "debug"},
      {"go-tdx-guest/tdx_prod_quote_SPR_E4.dat",
       {},
       {kInfo2023, kQe2023, kSigner},
       y2023,
       kTdx,
       kRefused,
       "tcb-level"},
      {"go-tdx-guest/quote_v5_sample.dat", {}, {}, Day(2026, 2, 15), kTdx, kIncomplete, nullptr},
      {"go-tdx-guest/quote_v5_sample.dat",
       {},
       {"go-tdx-guest/sample_tcbinfo_response_v5", kQe2023, kSigner},
       Day(2026, 2, 15),
       kTdx,
       kRefused,
       "collateral-validity"},
      {"trustee/tdx/az-td-quote.bin", {}, {}, y2026, kTdx, kIncomplete, nullptr},
      {"trustee/tdx/tdx_quote_6.dat",
       {},
       {"trustee/tdx/tcbInfo.json", "trustee/tdx/enclaveIdentity.json", kSigner},
       Day(2025, 11, 1),
       kTdx,
       kRefused,
       "collateral-validity"},
      {"trustee/tdx/occlum_quote.dat", {}, {}, y2023, kSgx, kRefused, "debug"},
      {"go-tdx-guest/report.dat", {}, {}, y2023, kUnknown, kRefused, "format"},
      {"trustee/nvidia/hopperAttestationReport.txt",
       {"trustee/nvidia/hopper_cert_chain_case1.txt"},
       {},
       y2026,
       kNvidiaGpu,
       kVerified,
       nullptr},
      {"trustee/nvidia/hopperAttestationReport.txt",
       {"trustee/nvidia/hopper_cert_chain_case2.txt"},
       {},
       y2026,
       kNvidiaGpu,
       kRefused,
       "chain"},
      {"trustee/nvidia/hopperAttestationReport.txt",
       {"trustee/nvidia/hopper_cert_chain_case3.txt"},
       {},
       y2026,
       kNvidiaGpu,
       kRefused,
       "chain"},
      {"trustee/nvidia/hopperAttestationReport.txt",
       {"trustee/nvidia/hopper_cert_chain_case4.txt"},
       {},
       y2026,
       kNvidiaGpu,
       kRefused,
       "chain"},
      {"trustee/nvidia/hopperAttestationReport.txt",
       {"trustee/nvidia/hopper_cert_chain_case1.txt"},
       {"nvtrust/1010_0200_882_96005E0001_test_no_gpu.swidtag"},
       Day(2024, 6, 1),
       kNvidiaGpu,
       kRefused,
       "rim-vbios"},
      {"trustee/nvidia/hopper_coco_report1.txt",
       {"trustee/nvidia/hopper_coco_certs1.txt"},
       {},
       y2026,
       kNvidiaGpu,
       kVerified,
       nullptr},
      {"nvtrust/gpu_evidence.json", {}, {}, y2026, kNvidiaGpu, kVerified, nullptr},
      {"nvtrust/nras-claims/overall_claims_remote.json",
       {},
       {},
       y2026,
       kNvidiaClaims,
       kIncomplete,
       nullptr},
      {"nvtrust/nras-claims/overall_granular_claims_remote.json",
       {},
       {},
       y2026,
       kNvidiaClaims,
       kIncomplete,
       nullptr},
      {"nvtrust/nras-claims/NVGPURemotePolicyExample-v4.json",
       {},
       {},
       y2026,
       kNvidiaClaims,
       kRefused,
       "format"},
      {"trustee/cca/cca-example-token.cbor", {}, {}, y2026, kArmCca, kIncomplete, nullptr},
  };
}

TEST(SamplesTest, EachFileGetsTheVerdictOfItsReadme) {
  for (const Case& sample : Cases()) {
    Context context;
    context.time = sample.time;
    for (const char* path : sample.chain) {
      ASSERT_TRUE(AddFile(Role::kChain, path, Sample(path), context)) << path;
    }
    for (const char* path : sample.collateral) {
      ASSERT_TRUE(AddFile(Role::kCollateral, path, Sample(path), context)) << path;
    }
    for (const Appraisal& appraisal : AppraiseFile(sample.file, Sample(sample.file), context)) {
      EXPECT_EQ(appraisal.kind, sample.kind) << sample.file;
      EXPECT_EQ(VerdictName(appraisal.verdict()), VerdictName(sample.verdict))
          << sample.file << ": " << appraisal.VerdictReason();
      const std::string reason = appraisal.VerdictReason();
      EXPECT_EQ(sample.failed == nullptr ? "" : reason.substr(0, reason.find(':')),
                sample.failed == nullptr ? "" : sample.failed)
          << sample.file << ": " << reason;
      if (appraisal.kind != Kind::kUnknown &&
          appraisal.Find("format")->outcome == Outcome::kPassed) {
        EXPECT_FALSE(appraisal.attacks.empty()) << sample.file;
        EXPECT_FALSE(appraisal.cannot_show.empty()) << sample.file;
      }
    }
  }
}

TEST(SamplesTest, RequireCoveredRefusesWhatLeavesAnAttackOpen) {
  Context context;
  context.time = Day(2024, 1, 1);
  ASSERT_TRUE(AddFile(Role::kChain, "c", Sample("virtee-sev/vcek_milan.der"), context));
  std::vector<Appraisal> appraisals =
      AppraiseFile("r", Sample("virtee-sev/report_milan.hex"), context);
  RequireCovered(appraisals);
  EXPECT_EQ(appraisals[0].verdict(), Verdict::kRefused);
  EXPECT_TRUE(appraisals[0].VerdictReason().contains("CacheWarp"));
}

}  // namespace
}  // namespace casemate::attestation
