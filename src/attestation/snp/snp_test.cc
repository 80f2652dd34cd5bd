#include <gtest/gtest.h>

#include <functional>

#include "attestation/little_endian.h"
#include "attestation/sample_test.h"
#include "attestation/snp/appraise.h"
#include "attestation/snp/report.h"
#include "attestation/snp/test_platform.h"
#include "attestation/snp/vcek.h"
#include "crypto/test_authority.h"

namespace casemate::attestation::snp {
namespace {

Context With(const std::string& certificate, std::int64_t time) {
  Context context;
  context.time = time;
  context.certificates = {SampleCertificate(certificate)};
  return context;
}

Bytes HexSample(const std::string& path) {
  std::string text = SampleText(path);
  std::erase_if(text, [](char c) { return c == '\n'; });
  return FromHex(text).value();
}

TEST(SnpTest, TheVcekSignedReportOfMilanIsVerified) {
  // README: signature OK with vcek_milan.der; TCB 3/0/8/115: before CacheWarp's fix.
  const Appraisal appraisal = Appraise("r", HexSample("virtee-sev/report_milan.hex"),
                                       With("virtee-sev/vcek_milan.der", Day(2024, 1, 1)));
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  for (const char* step : {"format", "signature", "chain", "validity", "tcb-binding", "chip-id"}) {
    EXPECT_EQ(OutcomeOf(appraisal, step), Outcome::kPassed) << step;
  }
  EXPECT_EQ(OutcomeOf(appraisal, "revocation"), Outcome::kNotChecked);
  EXPECT_EQ(appraisal.tcb.components[0].value, "3/0/8/115");
  EXPECT_EQ(appraisal.vouchers[0].holder, "ARK-Milan");
  EXPECT_EQ(appraisal.vouchers[0].jurisdiction, "USA");
  EXPECT_EQ(CoverageOf(appraisal, "cachewarp"), Coverage::kNotCovered);
}

TEST(SnpTest, TheDebugPolicyIsRefusedAlthoughTheSignatureHolds) {
  // README: policy 0xb0000 has DEBUG; CacheWarp, BadRAM and EntrySign not covered.
  const Appraisal appraisal = Appraise("r", Sample("go-sev-guest/attestation.bin"),
                                       With("go-sev-guest/vcek.testcer", Day(2024, 1, 1)));
  EXPECT_EQ(appraisal.verdict(), Verdict::kRefused);
  EXPECT_EQ(OutcomeOf(appraisal, "signature"), Outcome::kPassed);
  EXPECT_EQ(OutcomeOf(appraisal, "chain"), Outcome::kPassed);
  EXPECT_EQ(OutcomeOf(appraisal, "debug"), Outcome::kFailed);
  for (const char* attack : {"cachewarp", "badram", "entrysign", "milanlaunchy-badfuse"}) {
    EXPECT_EQ(CoverageOf(appraisal, attack), Coverage::kNotCovered) << attack;
  }
}

TEST(SnpTest, AProvisionalFirmwareIsAWarning) {
  // README: trustee's report has microcode 206 current and 115 committed.
  const Appraisal appraisal = Appraise("r", Sample("trustee/snp/test-report.bin"),
                                       With("trustee/snp/test-vcek.der", Day(2024, 1, 1)));
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  EXPECT_TRUE(std::ranges::any_of(appraisal.warnings, [](const std::string& warning) {
    return warning.find("roll it back") != std::string::npos;
  }));
}

TEST(SnpTest, AVlekReportIsVerifiedUntilItsCertificateExpires) {
  // README: TCB 4/0/24/217, firmware 1.55.29: CacheWarp and BadRAM covered, EntrySign not (217 <
  // 219).
  const Bytes report = Sample("trustee/snp/test-vlek-report.bin");
  const Appraisal before =
      Appraise("r", report, With("trustee/snp/test-vlek.der", Day(2025, 6, 1)));
  EXPECT_EQ(before.verdict(), Verdict::kVerified) << before.VerdictReason();
  EXPECT_EQ(before.product, "Milan (19/01/1)");
  EXPECT_EQ(OutcomeOf(before, "chip-id"), Outcome::kNotChecked);
  EXPECT_EQ(CoverageOf(before, "cachewarp"), Coverage::kCovered);
  EXPECT_EQ(CoverageOf(before, "badram"), Coverage::kCovered);
  EXPECT_EQ(CoverageOf(before, "entrysign"), Coverage::kNotCovered);
  EXPECT_FALSE(before.FindAttack("cachewarp")->void_because.empty());
  EXPECT_NE(before.vouchers[1].holder.find("cc-us-east-2.amazonaws.com"), std::string::npos);
  const Appraisal after =
      Appraise("r", report, With("trustee/snp/test-vlek.der", Day(2025, 12, 11)));
  EXPECT_EQ(after.verdict(), Verdict::kRefused);
  EXPECT_EQ(OutcomeOf(after, "validity"), Outcome::kFailed);
  EXPECT_EQ(OutcomeOf(after, "chain"), Outcome::kPassed);
}

TEST(SnpTest, TheReportAsFieldsIsRebuiltAndVerified) {
  // README: Zen4c (19/A0/2); microcode 25 must be held to Zen 4c's floor (25), not to Genoa's (84).
  const std::string text = SampleText("trustee/snp/e2e-evidence-zen4c.json");
  const json::Document document = json::Document::Parse(PlaintextView::Of(text)).value();
  Result<FieldsForm> form = FromFields(document.root());
  ASSERT_TRUE(form.has_value()) << form.error().message;
  Context context;
  context.time = Day(2026, 1, 1);
  context.certificates = form->certificates;
  const Appraisal appraisal = Appraise("r", form->report, context);
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  EXPECT_EQ(CoverageOf(appraisal, "entrysign"), Coverage::kCovered);
  EXPECT_EQ(CoverageOf(appraisal, "badram"), Coverage::kCovered);
  EXPECT_EQ(CoverageOf(appraisal, "cachewarp"), Coverage::kNotAffected);
  EXPECT_EQ(CoverageOf(appraisal, "staleus"), Coverage::kCannotTell);
  EXPECT_TRUE(appraisal.FindAttack("entrysign")->void_because.empty());
}

TEST(SnpTest, FieldsOutOfShapeAreRefusedByName) {
  const std::string text = SampleText("trustee/snp/e2e-evidence-zen4c.json");
  const std::pair<std::string, std::string> changes[] = {
      {"\"version\":3", "\"version\":-3"},   {"\"vmpl\":0", "\"vmpl\":\"0\""},
      {"\"sig_algo\"", "\"sig_algorithm\""}, {"\"chip_id\":[55,", "\"chip_id\":["},
      {"\"r\":[248,", "\"r\":[999,"},        {"\"microcode\":25", "\"microcode\":256"}};
  for (const auto& [from, to] : changes) {
    std::string bad = text;
    const std::size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    bad.replace(at, from.size(), to);
    const json::Document document = json::Document::Parse(PlaintextView::Of(bad)).value();
    EXPECT_FALSE(FromFields(document.root()).has_value()) << to;
  }
}

TEST(SnpTest, WithoutACertificateItIsIncompleteAndSaysWhatToGive) {
  Context context;
  context.time = Day(2024, 1, 1);
  const Appraisal appraisal = Appraise("r", Sample("trustee/snp/test-report.bin"), context);
  EXPECT_EQ(appraisal.verdict(), Verdict::kIncomplete);
  EXPECT_NE(appraisal.VerdictReason().find("--chain"), std::string::npos);
}

TEST(SnpTest, AnotherChipsCertificateIsRefusedThreefold) {
  // README, "Swap VCEKs between reports".
  const Appraisal appraisal = Appraise("r", Sample("trustee/snp/test-report.bin"),
                                       With("go-sev-guest/vcek.testcer", Day(2024, 1, 1)));
  EXPECT_EQ(appraisal.verdict(), Verdict::kRefused);
  for (const char* step : {"signature", "tcb-binding", "chip-id"}) {
    EXPECT_EQ(OutcomeOf(appraisal, step), Outcome::kFailed) << step;
  }
  const Appraisal turin = Appraise("r", Sample("trustee/snp/test-report.bin"),
                                   With("virtee-sev/vcek_turin.der", Day(2025, 1, 1)));
  EXPECT_EQ(OutcomeOf(turin, "chain"), Outcome::kPassed) << "README: the Turin chain is valid";
  EXPECT_EQ(turin.verdict(), Verdict::kRefused);
}

TEST(SnpTest, VceksThatAmdDidNotSignAreRefused) {
  // README: both parse, in either form of the hardware id; the ASK's signature is invalid.
  for (const char* file : {"legacy", "new"}) {
    const std::string path = "trustee/snp/test-vcek-invalid-" + std::string(file) + ".der";
    Result<std::optional<Vcek>> vcek = ReadVcek(SampleCertificate(path));
    ASSERT_TRUE(vcek.has_value() && vcek->has_value()) << file;
    EXPECT_EQ((*vcek)->hardware_id->size(), 64U);
    const Appraisal appraisal =
        Appraise("r", Sample("trustee/snp/test-report.bin"), With(path, Day(2024, 1, 1)));
    EXPECT_EQ(OutcomeOf(appraisal, "chain"), Outcome::kFailed) << file;
  }
}

TEST(SnpTest, ReservedBytesThatAreNotZeroAreRefusedAsSuch) {
  const Context context = With("trustee/snp/test-vcek.der", Day(2024, 1, 1));
  const Bytes good = Sample("trustee/snp/test-report.bin");
  for (const std::pair<std::size_t, std::size_t> range :
       {std::pair(0x4CU, 0x50U), {0x208U, 0x2A0U}, {0x330U, 0x4A0U}}) {
    for (std::size_t at = range.first; at < range.second; ++at) {
      Bytes bad = good;
      bad[at] = std::byte{1};
      EXPECT_EQ(OutcomeOf(Appraise("r", bad, context), "format"), Outcome::kFailed) << at;
    }
  }
}

TEST(SnpTest, NumbersOfTheSignatureOutOfRangeAreRefused) {
  // SEC 2: the order of P-384, little-endian as the report stores it.
  Bytes order =
      FromHex(
          "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196a"
          "ccc52973")
          .value();
  std::ranges::reverse(order);
  const Context context = With("trustee/snp/test-vcek.der", Day(2024, 1, 1));
  for (const std::size_t at : {0x2A0U, 0x2E8U}) {
    for (const Bytes& number : {Bytes(48), order}) {
      Bytes bad = Sample("trustee/snp/test-report.bin");
      std::ranges::copy(number, bad.begin() + static_cast<std::ptrdiff_t>(at));
      EXPECT_EQ(OutcomeOf(Appraise("r", bad, context), "signature"), Outcome::kFailed);
    }
  }
}

TEST(SnpTest, EveryTruncationIsRefusedByItsSize) {
  const Bytes good = Sample("trustee/snp/test-report.bin");
  for (std::size_t size = 0; size < good.size(); size += 3) {
    EXPECT_FALSE(ParseReport(ByteView(good).first(size)).has_value());
  }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(ParseReport(longer).has_value());
}

TEST(SnpTest, VersionFiveOfTurinIsVerifiedWithItsMitigationVector) {
  // No public sample has version 5: made here, signed by keys of the test.
  TestPlatform platform{.family = "Turin", .hardware_id = Bytes(8, std::byte{0x5A})};
  const Context context = platform.Trusting();
  const Bytes report = platform.Report(5, 0x02, [](Bytes& raw) {
    raw[0x1F8] = std::byte{0x02};
    raw[0x200] = std::byte{0x06};
  });
  const Appraisal appraisal = Appraise("r", report, context);
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  EXPECT_EQ(appraisal.product, "Turin (1a/02/0)");
  EXPECT_EQ(appraisal.tcb.components[0].value, "1/2/3/4/100");
  EXPECT_EQ(CoverageOf(appraisal, "rmpocalypse"), Coverage::kCovered);
  EXPECT_EQ(CoverageOf(appraisal, "cachewarp"), Coverage::kNotAffected);
  EXPECT_FALSE(appraisal.warnings.empty()) << "a root given by the caller is said to be one";
  const Bytes without = platform.Report(5, 0x02);
  EXPECT_NE(CoverageOf(Appraise("r", without, context), "rmpocalypse"), Coverage::kCovered);
}

TEST(SnpTest, TheBytesOfVersionFiveMustBeZeroBefore) {
  TestPlatform platform{.family = "Genoa"};
  const auto change = [](Bytes& raw) { raw[0x1F8] = std::byte{0x02}; };
  EXPECT_FALSE(ParseReport(platform.Report(4, 0x11, change)).has_value());
  EXPECT_TRUE(ParseReport(platform.Report(5, 0x11, change)).has_value());
  EXPECT_TRUE(ParseReport(platform.Report(4, 0x11)).has_value());
}

TEST(SnpTest, ReportsOfTheHostUnsignedAndUnknownOnesAreRefused) {
  TestPlatform platform{.family = "Genoa"};
  const std::pair<const char*, std::function<void(Bytes&)>> changes[] = {
      {"host", [](Bytes& raw) { std::fill_n(raw.begin() + 0x30, 4, std::byte{0xFF}); }},
      {"VMPL", [](Bytes& raw) { raw[0x30] = std::byte{4}; }},
      {"no key", [](Bytes& raw) { raw[0x48] = std::byte{7 << 2}; }},
      {"key info", [](Bytes& raw) { raw[0x48] = std::byte{2 << 2}; }},
      {"key info", [](Bytes& raw) { raw[0x49] = std::byte{1}; }},
      {"algorithm", [](Bytes& raw) { raw[0x34] = std::byte{2}; }},
      {"bit 17", [](Bytes& raw) { raw[0x0A] = std::byte{1}; }},
      {"version", [](Bytes& raw) { raw[0] = std::byte{6}; }},
      {"version", [](Bytes& raw) { raw[0] = std::byte{1}; }},
  };
  for (const auto& [word, change] : changes) {
    Result<Report> report = ParseReport(platform.Report(3, 0x11, change));
    ASSERT_FALSE(report.has_value()) << word;
    EXPECT_NE(report.error().message.find(word), std::string::npos) << report.error().message;
  }
}

TEST(SnpTest, AVlekMustNotPassForAVcek) {
  TestPlatform platform{.family = "Genoa", .vlek = true};
  const Context context = platform.Trusting();
  EXPECT_EQ(Appraise("r", platform.Report(3, 0x11), context).verdict(), Verdict::kVerified);
  const Bytes claims_vcek = platform.Report(3, 0x11, [](Bytes& raw) { raw[0x48] = std::byte{0}; });
  EXPECT_EQ(OutcomeOf(Appraise("r", claims_vcek, context), "chain"), Outcome::kFailed);
}

TEST(SnpTest, AnotherProductThanTheCertificatesIsRefused) {
  TestPlatform platform{.family = "Genoa"};
  const Appraisal appraisal = Appraise("r", platform.Report(3, 0x01), platform.Trusting());
  EXPECT_EQ(OutcomeOf(appraisal, "product"), Outcome::kFailed);
}

TEST(SnpTest, UnknownBitsOfThePlatformAreSaidAndNotRefused) {
  TestPlatform platform{.family = "Genoa"};
  const Bytes report = platform.Report(3, 0x11, [](Bytes& raw) { raw[0x40] = std::byte{0x65}; });
  const Appraisal appraisal = Appraise("r", report, platform.Trusting());
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  EXPECT_TRUE(std::ranges::any_of(appraisal.warnings, [](const std::string& warning) {
    return warning.find("not known here") != std::string::npos;
  }));
}

TEST(SnpTest, ReportDataIsCompared) {
  Context context = With("trustee/snp/test-vcek.der", Day(2024, 1, 1));
  const Bytes report = Sample("trustee/snp/test-report.bin");
  context.report_data = Copy(ByteView(report).subspan(0x50, 64));
  EXPECT_EQ(OutcomeOf(Appraise("r", report, context), "report-data"), Outcome::kPassed);
  context.report_data->at(3) ^= std::byte{1};
  EXPECT_EQ(Appraise("r", report, context).verdict(), Verdict::kRefused);
}

TEST(SnpTest, OfNonceAndReportDataEachIsCompared) {
  Context context = With("trustee/snp/test-vcek.der", Day(2024, 1, 1));
  const Bytes report = Sample("trustee/snp/test-report.bin");
  context.report_data = Copy(ByteView(report).subspan(0x50, 64));
  context.nonce = Copy(ByteView(report).subspan(0x50, 32));  // zeroes stand behind it
  EXPECT_EQ(OutcomeOf(Appraise("r", report, context), "nonce"), Outcome::kPassed);
  context.nonce->at(0) ^= std::byte{1};
  EXPECT_EQ(OutcomeOf(Appraise("r", report, context), "nonce"), Outcome::kFailed);
  context.nonce = Copy(ByteView(report).subspan(0x50, 16));
  EXPECT_EQ(OutcomeOf(Appraise("r", report, context), "nonce"), Outcome::kFailed);
}

TEST(SnpTest, ACertificateTableIsReadAndItsBordersAreChecked) {
  const Bytes vcek = Sample("trustee/snp/test-vcek.der");
  Bytes table(48);
  std::ranges::copy(FromHex("63da758de6644564adc5f4b93be8accd").value(), table.begin());
  table[16] = std::byte{48};
  table[20] = static_cast<std::byte>(vcek.size() & 0xFF);
  table[21] = static_cast<std::byte>(vcek.size() >> 8);
  Put(table, vcek);
  Result<std::vector<crypto::X509Certificate>> read = ReadCertificateTable(table);
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->front().der(), vcek);
  table.pop_back();
  EXPECT_FALSE(ReadCertificateTable(table).has_value());
  EXPECT_FALSE(ReadCertificateTable(ByteView(table).first(40)).has_value());
}

}  // namespace
}  // namespace casemate::attestation::snp
