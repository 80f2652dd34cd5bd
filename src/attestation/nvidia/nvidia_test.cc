#include <gtest/gtest.h>

#include <algorithm>

#include "attestation/evidence.h"
#include "attestation/little_endian.h"
#include "attestation/nvidia/appraise.h"
#include "attestation/nvidia/report.h"
#include "attestation/sample_test.h"
#include "crypto/test_authority.h"
#include "json/reader.h"

namespace casemate::attestation::nvidia {
namespace {

Bytes HexReport(const std::string& path) {
  std::string text = SampleText(path);
  std::erase_if(text, [](char c) { return c == '\n'; });
  return FromHex(text).value();
}

constexpr const char* kReport = "trustee/nvidia/hopperAttestationReport.txt";
constexpr const char* kChain = "trustee/nvidia/hopper_cert_chain_case1.txt";

Context With(const std::string& chain) {
  Context context;
  context.time = Day(2026, 11, 22);
  if (!chain.empty()) {
    context.certificates = SampleChain(chain);
  }
  return context;
}

TEST(NvidiaTest, TheHopperReportIsVerified) {
  // README: signature OK with the leaf of case1, FWID match, nonce 931d8dd0..dfcb; any time.
  const Appraisal appraisal = Appraise("r", HexReport(kReport), {}, With(kChain));
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  for (const char* step : {"format", "chain", "validity", "signature", "fwid"}) {
    EXPECT_EQ(OutcomeOf(appraisal, step), Outcome::kPassed) << step;
  }
  EXPECT_EQ(appraisal.vouchers[0].holder, "NVIDIA Device Identity CA");
  EXPECT_EQ(CoverageOf(appraisal, "gpu-borrowing"), Coverage::kCannotTell);
}

TEST(NvidiaTest, FieldsAreThoseThatTrusteeReads) {
  const Report report = ParseReport(HexReport(kReport)).value();
  const std::string text = SampleText("trustee/nvidia/hopperAttestationReport-claims.txt");
  const json::Document document = json::Document::Parse(PlaintextView::Of(text)).value();
  const json::Value config = document.root().Require("config").value();
  EXPECT_EQ(report.driver_version(), config.Get("driver_version")->AsName().value());
  EXPECT_EQ(report.vbios_version(), config.Get("vbios_version")->AsName().value());
  EXPECT_EQ(ToHex(report.opaque.at(kFwid)), config.Get("fwid")->AsName().value());
  EXPECT_EQ(ToHex(report.opaque.at(kBoardId)), config.Get("board_id")->AsName().value());
  const std::vector<json::Value::Member> measurements =
      document.root().Get("measurements")->Members();
  EXPECT_EQ(measurements.size(), report.blocks.size());
  for (const json::Value::Member& member : measurements) {
    EXPECT_EQ(ToHex(report.blocks.at(static_cast<unsigned>(std::stoi(member.key)))),
              member.value.AsName().value());
  }
}

TEST(NvidiaTest, TheSecondReportIsVerifiedAndItsTrailingByteIsSaid) {
  // README: driver 580.95.05, VBIOS 96.00.74.00.1a, one byte behind.
  const Appraisal appraisal = Appraise("r", HexReport("trustee/nvidia/hopper_coco_report1.txt"), {},
                                       With("trustee/nvidia/hopper_coco_certs1.txt"));
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  EXPECT_TRUE(std::ranges::any_of(appraisal.facts, [](const NamedValue& fact) {
    return fact.name == "vbios" && fact.value == "96.00.74.00.1a";
  }));
  EXPECT_TRUE(appraisal.warnings.at(0).starts_with("1 bytes"));
}

TEST(NvidiaTest, BrokenChainsAreRefused) {
  // README: case2 root only, case3 without the provisioner, case4 without the leaf.
  for (const char* chain : {"2", "3", "4"}) {
    const Appraisal appraisal =
        Appraise("r", HexReport(kReport), {},
                 With("trustee/nvidia/hopper_cert_chain_case" + std::string(chain) + ".txt"));
    EXPECT_EQ(appraisal.verdict(), Verdict::kRefused) << chain;
    EXPECT_EQ(OutcomeOf(appraisal, "chain"), Outcome::kFailed) << chain;
  }
  EXPECT_EQ(Appraise("r", HexReport(kReport), {}, With("")).verdict(), Verdict::kIncomplete);
}

TEST(NvidiaTest, AllEightGpusOfTheCollectionAreVerified) {
  // README: all 8: signature, chain, FWID; one shared nonce 4760e305..537e.
  Context context = With("");
  context.nonce =
      FromHex("4760e30534a0621357d458b1a7936551b5dc4cd1e69718adf7ed9fb0252a537e").value();
  const std::vector<Appraisal> appraisals =
      AppraiseFile("g", Sample("nvtrust/gpu_evidence.json"), context);
  ASSERT_EQ(appraisals.size(), 8U);
  for (const Appraisal& appraisal : appraisals) {
    EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
    EXPECT_EQ(OutcomeOf(appraisal, "nonce"), Outcome::kPassed);
    EXPECT_TRUE(appraisal.warnings.empty()) << appraisal.warnings.front();
  }
  EXPECT_EQ(appraisals[7].source, "g#7");
}

TEST(NvidiaTest, AnotherNonceIsRefused) {
  Context context = With(kChain);
  context.nonce = Bytes(32);
  EXPECT_EQ(OutcomeOf(Appraise("r", HexReport(kReport), {}, context), "nonce"), Outcome::kFailed);
}

TEST(NvidiaTest, ManifestsOfOtherVersionsAreRefusedAndExpiredSignersAreSaid) {
  // README: signed; match no report here; the signers' certificates expired 2025-06-22.
  Context context = With(kChain);
  context.time = Day(2024, 6, 1);
  for (const char* file : {"nvtrust/Driver_RIM_test_no_gpu.swidtag",
                           "nvtrust/1010_0200_882_96005E0001_PROD.swidtag"}) {
    ASSERT_TRUE(AddFile(Role::kCollateral, file, Sample(file), context));
  }
  const Appraisal then = Appraise("r", HexReport(kReport), {}, context);
  EXPECT_EQ(OutcomeOf(then, "rim-signature"), Outcome::kPassed);
  EXPECT_EQ(OutcomeOf(then, "rim-validity"), Outcome::kPassed) << then.Find("rim-validity")->reason;
  EXPECT_EQ(OutcomeOf(then, "rim-driver"), Outcome::kFailed);
  EXPECT_EQ(OutcomeOf(then, "rim-vbios"), Outcome::kFailed);
  context.time = Day(2026, 11, 22);
  const Appraisal now = Appraise("r", HexReport(kReport), {}, context);
  EXPECT_EQ(OutcomeOf(now, "rim-validity"), Outcome::kFailed);
}

TEST(NvidiaTest, EveryTruncationAndWrongSizeIsRefused) {
  const Bytes good = HexReport(kReport);
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(ParseReport(ByteView(good).first(size)).has_value()) << size;
  }
  for (const std::size_t at : {37U + 4, 37U + 5, 37U + 6, 37U + 8 + 3520 + 32, 37U + 8 + 2}) {
    for (const int by : {1, -1}) {
      Bytes bad = good;
      bad[at] = static_cast<std::byte>(std::to_integer<int>(bad[at]) + by);
      EXPECT_FALSE(ParseReport(bad).has_value()) << at;
    }
  }
}

TEST(NvidiaTest, TheFwidMustBeTheCertificates) {
  // The other GPU's genuine chain: neither signature nor FWID.
  const Appraisal appraisal =
      Appraise("r", HexReport(kReport), {}, With("trustee/nvidia/hopper_coco_certs1.txt"));
  EXPECT_EQ(OutcomeOf(appraisal, "chain"), Outcome::kPassed);
  EXPECT_EQ(OutcomeOf(appraisal, "signature"), Outcome::kFailed);
  EXPECT_EQ(OutcomeOf(appraisal, "fwid"), Outcome::kFailed);
}

// A report with these opaque fields, signed by a key of the test.
Bytes MakeReport(const crypto::TestKey& key,
                 const std::vector<std::pair<unsigned, Bytes>>& fields) {
  Bytes raw = {std::byte{0x11}, std::byte{0xE0}, std::byte{1}, std::byte{0xFF}};
  raw.resize(kRequestBytes);
  Put(raw, FromHex("1160000001370000").value());  // one block of 55 bytes
  Put(raw, FromHex("01013300013000").value());
  raw.resize(raw.size() + 48 + 32);
  Bytes opaque;
  for (const auto& [type, value] : fields) {
    Put(opaque, Bytes{static_cast<std::byte>(type), std::byte{0},
                      static_cast<std::byte>(value.size()), std::byte{0}});
    Put(opaque, value);
  }
  Put(raw, Bytes{static_cast<std::byte>(opaque.size() & 0xFF),
                 static_cast<std::byte>(opaque.size() >> 8)});
  Put(raw, opaque);
  Put(raw, key.Sign(crypto::EcCurve::kP384, crypto::HashAlgorithm::kSha384, raw));
  return raw;
}

TEST(NvidiaTest, BlackwellsCertificateNamesItsFirmware) {
  // trustee's fixture note: an RTX PRO 6000; its FWID is 9b92cc3e...; DiceTcbInfo with a second one
  // of zeroes. The report is made here, so that only the signature may fail.
  const Bytes fwid = FromHex(
                         "9b92cc3e53b9265259e1abde163653288c2474fcafd8e5c0fd62ce9c9036fb62"
                         "723fe3715b50f4ac27c68b62e2fd9240")
                         .value();
  const crypto::TestKey key = crypto::TestKey::Ec(crypto::EcCurve::kP384);
  const Context context = With("trustee/nvidia/blackwell_coco_certs.txt");
  const Appraisal appraisal =
      Appraise("r", MakeReport(key, {{kGpuInfo, Bytes(8)}, {kFwid, fwid}}), {}, context);
  EXPECT_EQ(OutcomeOf(appraisal, "chain"), Outcome::kPassed) << appraisal.VerdictReason();
  EXPECT_EQ(OutcomeOf(appraisal, "fwid"), Outcome::kPassed);
  EXPECT_EQ(OutcomeOf(appraisal, "signature"), Outcome::kFailed);
  EXPECT_EQ(appraisal.product, "GB20X A01 GSP FMC LF");
  const Appraisal zero =
      Appraise("r", MakeReport(key, {{kGpuInfo, Bytes(8)}, {kFwid, Bytes(48)}}), {}, context);
  EXPECT_EQ(OutcomeOf(zero, "fwid"), Outcome::kFailed) << "the zeroes are no firmware's id";
}

// A root of the test and a device below it.
struct TestDevice {
  crypto::TestKey root_key = crypto::TestKey::Ec(crypto::EcCurve::kP384);
  crypto::TestKey key = crypto::TestKey::Ec(crypto::EcCurve::kP384);

  crypto::X509Certificate Issue(const std::string& name, bool authority,
                                const crypto::TestKey& subject,
                                std::vector<crypto::TestExtension> extensions = {}) const {
    return crypto::X509Certificate::FromDer(
               crypto::IssueTestCertificate({.common_name = name,
                                             .authority = authority,
                                             .not_before = Day(2026, 1, 1),
                                             .not_after = Day(2027, 1, 1),
                                             .extensions = std::move(extensions)},
                                            subject, "root", root_key))
        .value();
  }
  Context Trusting(const std::string& name, std::vector<crypto::TestExtension> extensions) const {
    Context context = With("");
    context.roots = {Issue("root", true, root_key)};
    context.certificates = {Issue(name, false, key, std::move(extensions))};
    return context;
  }
};

// DiceTcbInfo with one firmware id, critical as newer devices may have it.
crypto::TestExtension Dice(const Bytes& fwid) {
  Bytes content = FromHex(
                      "3041a63f303d0609608648016503040202"
                      "0430")
                      .value();
  Put(content, fwid);
  return {.oid = "2.23.133.5.4.1.1", .content = content, .critical = true};
}

TEST(NvidiaTest, BlackwellsFormIsVerified) {
  const TestDevice device;
  const Bytes fwid(48, std::byte{0x7E});
  const Context context = device.Trusting("GB20X A01 GSP FMC LF", {Dice(fwid)});
  const Bytes good = MakeReport(
      device.key,
      {{kGpuInfo, Bytes(8)}, {kFwid, fwid}, {kChip, Copy(AsBytes("GB202"))}, {77, Bytes(3)}});
  const Appraisal appraisal = Appraise("r", good, {}, context);
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= static_cast<std::byte>(1U << (at * 3 % 8));
    const Appraisal refused = Appraise("r", bad, {}, context);
    ASSERT_EQ(refused.verdict(), Verdict::kRefused) << at;
    EXPECT_TRUE(OutcomeOf(refused, "format") == Outcome::kFailed ||
                OutcomeOf(refused, "signature") == Outcome::kFailed)
        << at;
  }
}

TEST(NvidiaTest, ASwitchIsVerifiedWithoutAFwid) {
  const TestDevice device;
  const Context context = device.Trusting("LS10 A01 FSP FMC LF", {});
  const Appraisal appraisal =
      Appraise("r", MakeReport(device.key, {{kSwitchPdi, Bytes(8)}}), {}, context);
  EXPECT_EQ(appraisal.kind, Kind::kNvidiaSwitch);
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  const Appraisal gpu = Appraise("r", MakeReport(device.key, {{kGpuInfo, Bytes(8)}}), {}, context);
  EXPECT_EQ(OutcomeOf(gpu, "fwid"), Outcome::kFailed) << "a GPU must have one";
}

TEST(NvidiaClaimsTest, ClaimsAreReadAndTheirSignatureIsNotKnown) {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"overall_claims_remote.json", Day(2026, 1, 1)},
      {"overall_granular_claims_remote.json", Day(2026, 1, 1)},
      {"detached_claims_remote.json", 0},
      {"detached_granular_claims_remote.json", 1736197400}};
  for (const auto& [file, time] : cases) {
    Context context;
    context.time = time;
    const Bytes content = Sample("nvtrust/nras-claims/" + std::string(file));
    const Appraisal appraisal = AppraiseFile("c", content, context).at(0);
    EXPECT_EQ(appraisal.kind, Kind::kNvidiaClaims) << file;
    EXPECT_EQ(OutcomeOf(appraisal, "signature"), Outcome::kNotChecked) << file;
    EXPECT_EQ(OutcomeOf(appraisal, "claims"), Outcome::kPassed)
        << file << appraisal.VerdictReason();
    EXPECT_NE(appraisal.verdict(), Verdict::kVerified) << file;
  }
  const Appraisal policy =
      AppraiseFile("c", Sample("nvtrust/nras-claims/NVGPURemotePolicyExample-v4.json"), Context())
          .at(0);
  EXPECT_EQ(policy.verdict(), Verdict::kRefused);
}

TEST(NvidiaClaimsTest, AClaimThatSaysNoIsRefused) {
  for (const char* claims :
       {R"({"measres": "failure"})", R"({"measres": "success", "secboot": false})",
        R"({"x-nvidia-overall-att-result": false})",
        R"({"measres": "Success", "chain": {"x-nvidia-cert-status": "revoked"}})",
        R"({"measres": "success", "dbgstat": "enabled"})"}) {
    EXPECT_EQ(AppraiseFile("c", Copy(AsBytes(claims)), Context()).at(0).verdict(),
              Verdict::kRefused)
        << claims;
  }
  EXPECT_EQ(
      AppraiseFile("c", Copy(AsBytes(R"({"measres": "Success"})")), Context()).at(0).verdict(),
      Verdict::kIncomplete);
}

TEST(NvidiaTest, CollectionsOutOfShapeAreRefused) {
  for (const char* text :
       {R"([{"evidence": 1, "certificate": "x"}])", R"([{"evidence": "!!", "certificate": ""}])",
        R"([{"evidence": "AAAA", "certificate": "AAAA"}])"}) {
    const std::vector<Appraisal> appraisals = AppraiseFile("g", Copy(AsBytes(text)), Context());
    ASSERT_EQ(appraisals.size(), 1U);
    EXPECT_EQ(appraisals[0].verdict(), Verdict::kRefused);
  }
}

}  // namespace
}  // namespace casemate::attestation::nvidia
