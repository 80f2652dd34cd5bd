#include <gtest/gtest.h>

#include <functional>

#include "attestation/der.h"
#include "attestation/evidence.h"
#include "attestation/little_endian.h"
#include "attestation/sample_test.h"
#include "attestation/tdx/appraise.h"
#include "attestation/tdx/collateral.h"
#include "attestation/tdx/quote.h"
#include "attestation/tdx/tcb_level.h"

namespace casemate::attestation::tdx {
namespace {

Context With(std::int64_t time, const std::vector<std::string>& collateral) {
  Context context;
  context.time = time;
  for (const std::string& path : collateral) {
    Result<void> added = AddFile(Role::kCollateral, path, Sample(path), context);
    EXPECT_TRUE(added.has_value()) << added.error().message;
  }
  return context;
}

std::vector<std::string> Set2023() {
  return {"go-tdx-guest/sample_tcbInfo_response",
          "go-tdx-guest/sample_qeIdentity_response",
          "go-tdx-guest/tcb_signing_issuer_chain.pem",
          "go-tdx-guest/pck_crl_issuer_chain.pem",
          "go-tdx-guest/pckcrl",
          "go-tdx-guest/rootcrl.der"};
}

bool HasAdvisoryOrStatus(const Appraisal& appraisal, std::string_view step, std::string_view word) {
  const Step* found = appraisal.Find(step);
  return found != nullptr && found->reason.find(word) != std::string::npos;
}

TEST(TdxTest, TheUpToDateQuoteIsRefusedForItsDebuggingOnly) {
  // README: tdx_quote_4 with the set of 2023-07-01: UpToDate, but a DEBUG TD. The root CRL ended in
  // 2024.
  const Appraisal appraisal =
      Appraise("q", Sample("trustee/tdx/tdx_quote_4.dat"), With(Day(2023, 7, 1), Set2023()));
  for (const Step& step : appraisal.steps) {
    EXPECT_EQ(step.outcome == Outcome::kFailed, step.id == "debug") << step.id << step.reason;
  }
  EXPECT_EQ(appraisal.tcb.status, "UpToDate");
  EXPECT_EQ(OutcomeOf(appraisal, "revocation"), Outcome::kPassed);
  EXPECT_EQ(appraisal.verdict(), Verdict::kRefused);
  EXPECT_EQ(appraisal.vouchers[0].company, "Intel Corporation (Santa Clara CA)");
}

TEST(TdxTest, WithTheRealClockTheSameSetHasExpired) {
  const Appraisal appraisal =
      Appraise("q", Sample("trustee/tdx/tdx_quote_4.dat"), With(Day(2026, 11, 22), Set2023()));
  EXPECT_EQ(OutcomeOf(appraisal, "collateral-dates"), Outcome::kFailed);
  EXPECT_EQ(OutcomeOf(appraisal, "collateral-validity"), Outcome::kFailed);
  EXPECT_EQ(OutcomeOf(appraisal, "revocation"), Outcome::kFailed);
  EXPECT_EQ(OutcomeOf(appraisal, "signature"), Outcome::kPassed);
}

TEST(TdxTest, APlatformBelowEveryLevelIsRefused) {
  // README: PCK SVN 3,3 < 5,5; 39 bytes of junk behind the quote.
  const Appraisal appraisal = Appraise("q", Sample("go-tdx-guest/tdx_prod_quote_SPR_E4.dat"),
                                       With(Day(2023, 7, 1), Set2023()));
  for (const char* step : {"format", "chain", "qe-signature", "attestation-key", "signature"}) {
    EXPECT_EQ(OutcomeOf(appraisal, step), Outcome::kPassed) << step;
  }
  EXPECT_EQ(OutcomeOf(appraisal, "tcb-level"), Outcome::kFailed);
  EXPECT_TRUE(std::ranges::any_of(appraisal.warnings, [](const std::string& warning) {
    return warning.starts_with("39 bytes");
  }));
}

TEST(TdxTest, VersionFiveIsUpToDateAndItsOldQeIdentityIsSaid) {
  // README: platform and module UpToDate; QE identity, CRLs and the signer's certificate of the set
  // expired.
  const Appraisal appraisal =
      Appraise("q", Sample("go-tdx-guest/quote_v5_sample.dat"),
               With(Day(2026, 2, 15), {"go-tdx-guest/sample_tcbinfo_response_v5",
                                       "go-tdx-guest/sample_qeIdentity_response",
                                       "go-tdx-guest/tcb_signing_issuer_chain.pem"}));
  EXPECT_TRUE(HasAdvisoryOrStatus(appraisal, "tcb-level", "is UpToDate"));
  EXPECT_TRUE(
      HasAdvisoryOrStatus(appraisal, "module", "module TDX_01 has SVN 11, which is UpToDate"));
  EXPECT_EQ(OutcomeOf(appraisal, "collateral-validity"), Outcome::kFailed);
  EXPECT_EQ(OutcomeOf(appraisal, "signature"), Outcome::kPassed);
  EXPECT_EQ(OutcomeOf(appraisal, "debug"), Outcome::kPassed);
  EXPECT_EQ(appraisal.verdict(), Verdict::kRefused);
  EXPECT_EQ(CoverageOf(appraisal, "tdxdown"), Coverage::kCovered);
  EXPECT_EQ(CoverageOf(appraisal, "tee-fail"), Coverage::kCannotTell);
}

TEST(TdxTest, TheWorstOfPlatformModuleAndQeCounts) {
  // README: PCESVN 11 < 13: platform OutOfDate, module and QE UpToDate: the verdict is OutOfDate.
  Context context =
      With(Day(2025, 11, 1), {"trustee/tdx/tcbInfo.json", "trustee/tdx/enclaveIdentity.json",
                              "go-tdx-guest/tcb_signing_issuer_chain.pem"});
  const Appraisal appraisal = Appraise("q", Sample("trustee/tdx/tdx_quote_6.dat"), context);
  EXPECT_TRUE(HasAdvisoryOrStatus(appraisal, "tcb-level", "is OutOfDate"));
  EXPECT_TRUE(HasAdvisoryOrStatus(appraisal, "module", "UpToDate"));
  EXPECT_TRUE(HasAdvisoryOrStatus(appraisal, "qe-identity", "UpToDate"));
  EXPECT_EQ(appraisal.tcb.status, "OutOfDate");
  EXPECT_EQ(OutcomeOf(appraisal, "tcb-status"), Outcome::kFailed);
  EXPECT_EQ(CoverageOf(appraisal, "tdxdown"), Coverage::kCannotTell);
}

TEST(TdxTest, WithoutCollateralItIsIncomplete) {
  // README: crypto OK, zero padded, FMSPC 00806f050000.
  const Appraisal appraisal =
      Appraise("q", Sample("trustee/tdx/az-td-quote.bin"), With(Day(2026, 1, 1), {}));
  EXPECT_EQ(appraisal.verdict(), Verdict::kIncomplete) << appraisal.VerdictReason();
  EXPECT_TRUE(HasAdvisoryOrStatus(appraisal, "tcb-level", "00806f050000"));
  EXPECT_TRUE(HasAdvisoryOrStatus(appraisal, "format", "70 zero bytes"));
}

TEST(TdxTest, CollateralOfAnotherPlatformIsRefusedByItsFmspc) {
  const Appraisal appraisal =
      Appraise("q", Sample("trustee/tdx/az-td-quote.bin"), With(Day(2023, 7, 1), Set2023()));
  EXPECT_EQ(OutcomeOf(appraisal, "tcb-level"), Outcome::kFailed);
  EXPECT_TRUE(HasAdvisoryOrStatus(appraisal, "tcb-level", "another platform"));
}

TEST(TdxTest, AnSgxQuoteIsReportedAsSgx) {
  const std::vector<Appraisal> appraisals =
      AppraiseFile("q", Sample("trustee/tdx/occlum_quote.dat"), With(Day(2023, 1, 1), {}));
  ASSERT_EQ(appraisals.size(), 1U);
  EXPECT_EQ(appraisals[0].kind, Kind::kSgx);
  for (const char* step : {"format", "chain", "qe-signature", "attestation-key", "signature"}) {
    EXPECT_EQ(OutcomeOf(appraisals[0], step), Outcome::kPassed) << step;
  }
  EXPECT_NE(appraisals[0].verdict(), Verdict::kVerified);
}

TEST(TdxTest, ATdReportIsNoQuote) {
  const std::vector<Appraisal> appraisals =
      AppraiseFile("q", Sample("go-tdx-guest/report.dat"), With(Day(2023, 1, 1), {}));
  EXPECT_EQ(appraisals.at(0).verdict(), Verdict::kRefused);
  EXPECT_TRUE(HasAdvisoryOrStatus(appraisals[0], "format", "TDREPORT"));
}

// What a changed quote must fail in, by where it was changed; flips_test.cc changes every byte.
TEST(TdxTest, AChangedQuoteFailsWhereItWasChanged) {
  for (const char* file : {"trustee/tdx/tdx_quote_6.dat", "go-tdx-guest/quote_v5_sample.dat"}) {
    const Context context = With(Day(2025, 11, 1), {});
    const Bytes good = Sample(file);
    const Quote quote = ParseQuote(good).value();
    const std::size_t body_end = quote.signed_part.size();
    const std::size_t qe_at = body_end + 4 + 64 + 64 + 6;
    const std::size_t auth_at = qe_at + 384 + 64 + 2;
    const std::size_t end = good.size() - quote.padding;
    const std::size_t pem_at = auth_at + quote.qe_auth_data.size() + 6;
    for (std::size_t at = 0; at < end; at += at < pem_at ? 5 : 97) {
      Bytes bad = good;
      bad[at] ^= static_cast<std::byte>(1U << (at * 3 % 8));
      const Appraisal appraisal = Appraise("q", bad, context);
      ASSERT_EQ(appraisal.verdict(), Verdict::kRefused) << file << " byte " << at;
      const char* step = at < body_end                                        ? "signature"
                         : at >= body_end + 4 + 64 && at < body_end + 4 + 128 ? "attestation-key"
                         : at >= qe_at && at < qe_at + 384 + 64               ? "qe-signature"
                         : at >= auth_at && at < auth_at + quote.qe_auth_data.size()
                             ? "attestation-key"
                         : at >= auth_at + quote.qe_auth_data.size() + 6 ? "chain"
                                                                         : nullptr;
      const bool format = OutcomeOf(appraisal, "format") == Outcome::kFailed;
      if (step != nullptr && !format) {
        EXPECT_EQ(OutcomeOf(appraisal, step), Outcome::kFailed) << file << " byte " << at;
      } else {
        EXPECT_TRUE(format || OutcomeOf(appraisal, "signature") == Outcome::kFailed) << at;
      }
    }
  }
}

TEST(TdxTest, EveryTruncationAndWrongSizeIsRefused) {
  const Bytes good = Sample("trustee/tdx/tdx_quote_4.dat");
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(ParseQuote(ByteView(good).first(size)).has_value()) << size;
  }
  const auto changed = [&](std::size_t at, int by) {
    Bytes bad = good;
    bad[at] = static_cast<std::byte>(std::to_integer<int>(bad[at]) + by);
    return ParseQuote(bad).has_value();
  };
  EXPECT_FALSE(changed(632, 1));   // signature data, one more than there is
  EXPECT_FALSE(changed(632, -1));  // and one less
  Bytes bad = good;
  const std::size_t auth_size_at = 636 + 128 + 6 + 384 + 64;
  bad[auth_size_at] = bad[auth_size_at + 1] = std::byte{0xFF};
  EXPECT_FALSE(ParseQuote(bad).has_value());
  bad = good;
  bad[0] = std::byte{5};
  EXPECT_FALSE(ParseQuote(bad).has_value()) << "relabelled as version 5";
  bad = good;
  bad[12] ^= std::byte{1};
  EXPECT_FALSE(ParseQuote(bad).has_value()) << "another quoting enclave's vendor";
}

TEST(TdxTest, ChangedOrReformattedCollateralIsRefused) {
  const Context good = With(Day(2023, 7, 1), Set2023());
  const auto with = [&](const std::function<void(std::string&)>& change) {
    Context context = good;
    for (Companion& file : context.collateral) {
      std::string text(AsText(file.content));
      if (text.find("tcbInfo") != std::string::npos) {
        change(text);
        file.content.assign(AsBytes(text).begin(), AsBytes(text).end());
      }
    }
    return Appraise("q", Sample("trustee/tdx/tdx_quote_4.dat"), context);
  };
  EXPECT_EQ(OutcomeOf(with([](std::string&) {}), "collateral"), Outcome::kPassed);
  const Appraisal digit = with([](std::string& text) { text[text.find("\"svn\":5") + 6] = '4'; });
  EXPECT_EQ(OutcomeOf(digit, "collateral"), Outcome::kFailed);
  const Appraisal space =
      with([](std::string& text) { text.insert(text.find("\"svn\":") + 6, " "); });
  EXPECT_EQ(OutcomeOf(space, "collateral"), Outcome::kFailed);
  const Appraisal order = with([](std::string& text) {
    const std::string version = "\"version\":3,";
    const std::size_t at = text.find(version);
    ASSERT_NE(at, std::string::npos);
    text.erase(at, version.size());
    text.insert(text.find("\"id\":"), version);
  });
  EXPECT_EQ(OutcomeOf(order, "collateral"), Outcome::kFailed);
  const Appraisal cut = with([](std::string& text) { text.resize(text.size() / 2); });
  EXPECT_EQ(OutcomeOf(cut, "collateral"), Outcome::kFailed);
}

TEST(TdxTest, CollateralWithoutItsSignerIsIncomplete) {
  const Appraisal appraisal = Appraise(
      "q", Sample("trustee/tdx/tdx_quote_6.dat"),
      With(Day(2025, 11, 1), {"trustee/tdx/tcbInfo.json", "trustee/tdx/enclaveIdentity.json"}));
  EXPECT_EQ(appraisal.verdict(), Verdict::kIncomplete) << appraisal.VerdictReason();
  EXPECT_TRUE(HasAdvisoryOrStatus(appraisal, "collateral", "TCB signing chain"));
}

TEST(TdxTest, ReportDataIsCompared) {
  Context context = With(Day(2026, 1, 1), {});
  const Bytes raw = Sample("trustee/tdx/az-td-quote.bin");
  context.report_data = ParseQuote(raw)->td->report_data;
  EXPECT_EQ(OutcomeOf(Appraise("q", raw, context), "report-data"), Outcome::kPassed);
  context.report_data->at(0) ^= std::byte{1};
  EXPECT_EQ(OutcomeOf(Appraise("q", raw, context), "report-data"), Outcome::kFailed);
}

TEST(TcbStatusTest, TheWorseOfTwoIsIntelsWord) {
  using enum TcbStatus;
  EXPECT_EQ(Worse(kUpToDate, kOutOfDate), kOutOfDate);
  EXPECT_EQ(Worse(kSwHardeningNeeded, kOutOfDate), kOutOfDate);
  EXPECT_EQ(Worse(kConfigurationNeeded, kOutOfDate), kOutOfDateConfigurationNeeded);
  EXPECT_EQ(Worse(kRevoked, kOutOfDate), kRevoked);
  EXPECT_EQ(ParseTcbStatus("Splendid"), kUnknown);
  EXPECT_EQ(Worse(kRevoked, ParseTcbStatus("")), kUnknown);
}

TEST(RawMemberTest, CutsTheBytesAsTheyStand) {
  EXPECT_EQ(RawMember(R"({"a":{"b":"}\""},"c":1})", "a"), R"({"b":"}\""})");
  EXPECT_EQ(RawMember(R"( { "x" : [1,2] , "a" : {"k":"a"} } )", "a"), R"({"k":"a"})");
  EXPECT_EQ(RawMember(R"({"x":{"a":1}})", "a"), std::nullopt);
  for (const char* bad : {"", "[", "{", "{\"a\"", "{\"a\":", "{x:1}", "{\"b\":1"}) {
    (void)RawMember(bad, "a");  // must end
  }
}

TEST(DerTest, ReadsWholeValuesOnly) {
  EXPECT_EQ(OidText(FromHex("2a864886f84d010d01").value()), "1.2.840.113741.1.13.1");
  EXPECT_FALSE(ReadDer(FromHex("300301").value()).has_value());
  EXPECT_FALSE(ReadDer(FromHex("3084ffffffff").value()).has_value());
  EXPECT_FALSE(ReadDer(FromHex("3080").value()).has_value());
  EXPECT_EQ(DerUnsigned({.tag = 2, .content = FromHex("00ff").value()}), 255U);
  EXPECT_FALSE(DerUnsigned({.tag = 2, .content = FromHex("ff").value()}).has_value());
}

}  // namespace
}  // namespace casemate::attestation::tdx
