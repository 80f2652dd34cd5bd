#include "attestation/nvidia/check_manifests.h"

#include <gtest/gtest.h>

#include "attestation/evidence.h"
#include "attestation/little_endian.h"
#include "attestation/nvidia/appraise.h"
#include "attestation/nvidia/test_manifest.h"

// The measurements of a genuine H100's report (trustee's sample) against manifests that a key of
// the test signed: NVIDIA's own for that driver and VBIOS are not public samples.
namespace casemate::attestation::nvidia {
namespace {

struct CheckManifestsTest : testing::Test {
  Bytes raw = HexReport();
  Report report = ParseReport(raw).value();
  TestManifest driver{.version = report.driver_version()};
  TestManifest vbios{.version = report.vbios_version()};

  CheckManifestsTest() {
    // The driver's manifest for the even blocks, the VBIOS's for the odd ones; what is zero in the
    // report is not active, as in NVIDIA's.
    for (const auto& [index, value] : report.blocks) {
      (index % 2 == 0 ? driver : vbios)
          .resources.push_back({.index = index - 1, .active = !AllZero(value), .hashes = {value}});
    }
  }
  static Bytes HexReport() {
    std::string text = SampleText("trustee/nvidia/hopperAttestationReport.txt");
    std::erase_if(text, [](char c) { return c == '\n'; });
    return FromHex(text).value();
  }
  Appraisal Judge(const std::vector<const TestManifest*>& manifests) const {
    Context context;
    context.time = Day(2026, 11, 22);
    context.certificates = SampleChain("trustee/nvidia/hopper_cert_chain_case1.txt");
    for (const TestManifest* manifest : manifests) {
      context.roots.push_back(manifest->Root());
      EXPECT_TRUE(AddFile(Role::kCollateral, "rim.swidtag", manifest->Signed(), context));
    }
    return Appraise("r", raw, {}, context);
  }
  // An active value of the driver's manifest.
  TestResource& AnActive() {
    return *std::ranges::find_if(driver.resources, &TestResource::active);
  }
};

TEST_F(CheckManifestsTest, MeasurementsOfBothManifestsMatch) {
  const Appraisal appraisal = Judge({&driver, &vbios});
  for (const char* step : {"rim-signature", "rim-validity", "rim-driver", "rim-vbios"}) {
    EXPECT_EQ(OutcomeOf(appraisal, step), Outcome::kPassed)
        << step << ": " << appraisal.Find(step)->reason;
  }
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  const auto active = std::ranges::count_if(driver.resources, &TestResource::active);
  EXPECT_GT(active, 0);
  EXPECT_TRUE(appraisal.Find("rim-driver")
                  ->reason.starts_with(std::to_string(active) + " measurements are those"));
}

TEST_F(CheckManifestsTest, OneMeasurementThatDiffersIsRefusedByItsNumber) {
  TestResource& resource = AnActive();
  resource.hashes[0][47] ^= std::byte{1};
  const Appraisal appraisal = Judge({&driver, &vbios});
  EXPECT_EQ(appraisal.verdict(), Verdict::kRefused);
  EXPECT_EQ(OutcomeOf(appraisal, "rim-signature"), Outcome::kPassed);
  EXPECT_EQ(OutcomeOf(appraisal, "rim-vbios"), Outcome::kPassed);
  EXPECT_TRUE(appraisal.Find("rim-driver")
                  ->reason.starts_with("measurement " + std::to_string(resource.index + 1) +
                                       " is none of the 1 values"));
}

TEST_F(CheckManifestsTest, AnyOfTheAlternativesWillDo) {
  TestResource& resource = AnActive();
  const Bytes right = resource.hashes[0];
  resource.hashes = {Bytes(48, std::byte{1}), Bytes(48, std::byte{2}), right};
  EXPECT_EQ(OutcomeOf(Judge({&driver}), "rim-driver"), Outcome::kPassed);
  resource.hashes.pop_back();
  EXPECT_EQ(OutcomeOf(Judge({&driver}), "rim-driver"), Outcome::kFailed);
}

TEST_F(CheckManifestsTest, WhatIsNotActiveIsNotCompared) {
  TestResource& resource = AnActive();
  resource.hashes[0] = Bytes(48, std::byte{1});
  resource.active = false;
  EXPECT_EQ(OutcomeOf(Judge({&driver}), "rim-driver"), Outcome::kPassed);
}

TEST_F(CheckManifestsTest, AnActiveValueThatTheReportLacksIsRefused) {
  driver.resources.push_back({.index = 200, .active = true, .hashes = {Bytes(48)}});
  EXPECT_EQ(OutcomeOf(Judge({&driver}), "rim-driver"), Outcome::kFailed);
}

TEST_F(CheckManifestsTest, AManifestWithoutActiveValuesSaysNothing) {
  for (TestResource& resource : driver.resources) {
    resource.active = false;
  }
  EXPECT_EQ(OutcomeOf(Judge({&driver}), "rim-driver"), Outcome::kFailed);
}

TEST_F(CheckManifestsTest, AManifestForAnotherVersionIsRefused) {
  driver.version = "1.0";
  EXPECT_EQ(OutcomeOf(Judge({&driver}), "rim-driver"), Outcome::kFailed);
  vbios.version = "96.00.00.00.00";
  EXPECT_EQ(OutcomeOf(Judge({&vbios}), "rim-vbios"), Outcome::kFailed);
}

TEST_F(CheckManifestsTest, AManifestOfAnotherSignerIsRefused) {
  Context context;
  context.time = Day(2026, 11, 22);
  ASSERT_TRUE(AddFile(Role::kCollateral, "rim.swidtag", driver.Signed(), context));
  Appraisal appraisal;
  CheckManifests(report, context, appraisal);
  EXPECT_EQ(OutcomeOf(appraisal, "rim-signature"), Outcome::kFailed) << "no root of it was given";
  EXPECT_EQ(OutcomeOf(appraisal, "rim-driver"), Outcome::kNotChecked);
  std::string text(AsText(driver.Signed()));
  text.replace(text.find("active=\"True\""), 13, "active=\"False\"");
  context.roots = {driver.Root()};
  context.collateral[0].content.assign(AsBytes(text).begin(), AsBytes(text).end());
  Appraisal changed;
  CheckManifests(report, context, changed);
  EXPECT_EQ(OutcomeOf(changed, "rim-signature"), Outcome::kFailed);
}

}  // namespace
}  // namespace casemate::attestation::nvidia
