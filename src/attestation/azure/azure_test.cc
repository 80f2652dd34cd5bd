#include <gtest/gtest.h>

#include "attestation/azure/envelope.h"
#include "attestation/evidence.h"
#include "attestation/sample_test.h"
#include "attestation/snp/test_platform.h"
#include "crypto/sha2.h"

namespace casemate::attestation::azure {
namespace {

void PutLittle32(Bytes& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) {
    out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFF));
  }
}

constexpr std::string_view kRuntime =
    R"({"keys":[{"kid":"HCLAkPub","kty":"RSA"}],"vm-configuration":{"secure-boot":true,"vmUniqueId":"x"}})";

// As the layout of docs/attest.md has it; the report is made and signed by keys of the test.
Bytes MakeEnvelope(ByteView report, std::uint32_t type, std::string_view runtime) {
  Bytes raw = {std::byte{'H'}, std::byte{'C'}, std::byte{'L'}, std::byte{'A'}};
  raw.resize(32);
  Put(raw, report);
  raw.resize(32 + 1184);
  PutLittle32(raw, static_cast<std::uint32_t>(runtime.size() + 20));
  PutLittle32(raw, 1);
  PutLittle32(raw, type);
  PutLittle32(raw, 1);
  PutLittle32(raw, static_cast<std::uint32_t>(runtime.size()));
  Put(raw, AsBytes(runtime));
  raw.resize(raw.size() + 100);  // the vTPM's index is longer
  return raw;
}

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

TEST_F(AzureTest, EveryChangedByteOfTheRuntimeDataIsRefused) {
  const Bytes good = MakeEnvelope(report, 2, kRuntime);
  for (std::size_t at = 1236; at < 1236 + kRuntime.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= std::byte{1};
    EXPECT_EQ(OutcomeOf(AppraiseFile("hcl", bad, context).at(0), "runtime-data"), Outcome::kFailed);
  }
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
