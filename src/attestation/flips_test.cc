#include "attestation/flips_test.h"

#include "attestation/azure/appraise.h"
#include "attestation/cca/appraise.h"
#include "attestation/evidence.h"
#include "attestation/nvidia/appraise.h"
#include "attestation/nvidia/report.h"
#include "attestation/nvidia/test_service.h"
#include "attestation/roots.h"
#include "attestation/sample_test.h"
#include "attestation/snp/appraise.h"
#include "attestation/snp/test_platform.h"
#include "attestation/tdx/appraise.h"
#include "attestation/tdx/quote.h"
#include "json/reader.h"

// Every byte of every signed part of every kind of sample is changed. Chains that a change does not
// touch are verified once (ChainMemo).
namespace casemate::attestation {
namespace {

struct FlipsTest : testing::Test {
  ChainMemo chains;

  Context At(std::int64_t time) {
    Context context;
    context.time = time;
    context.chains = &chains;
    return context;
  }
  Context With(const std::string& certificate, std::int64_t time) {
    Context context = At(time);
    context.certificates = {SampleCertificate(certificate)};
    return context;
  }
};

Bytes HexSample(const std::string& path) {
  std::string text = SampleText(path);
  std::erase_if(text, [](char c) { return c == '\n'; });
  return FromHex(text).value();
}

// Signed: bytes 0 to 671. The signature's two numbers fill 0x2A0 to 0x32F, and the rest must be
// zero: no byte of a report is free.
void FlipReport(const std::string& name, const Bytes& report, const Context& context) {
  ExpectEveryFlipIsNoticed(
      {.name = name, .good = report, .unsigned_parts = {}, .appraise = [&](ByteView raw) {
         return snp::Appraise("r", raw, context);
       }});
}

TEST_F(FlipsTest, SevSnpReports) {
  const std::int64_t y2024 = Day(2024, 1, 1);
  FlipReport("attestation.bin (version 2, debug)", Sample("go-sev-guest/attestation.bin"),
             With("go-sev-guest/vcek.testcer", y2024));
  FlipReport("report_milan.hex (version 2)", HexSample("virtee-sev/report_milan.hex"),
             With("virtee-sev/vcek_milan.der", y2024));
  FlipReport("test-report.bin (version 2)", Sample("trustee/snp/test-report.bin"),
             With("trustee/snp/test-vcek.der", y2024));
  FlipReport("test-vlek-report.bin (version 3, VLEK)", Sample("trustee/snp/test-vlek-report.bin"),
             With("trustee/snp/test-vlek.der", Day(2025, 6, 1)));
}

TEST_F(FlipsTest, SevSnpReportsFromFieldsAndOfVersionFive) {
  const std::string text = SampleText("trustee/snp/e2e-evidence-zen4c.json");
  const json::Document document = json::Document::Parse(PlaintextView::Of(text)).value();
  const snp::FieldsForm form = snp::FromFields(document.root()).value();
  Context context = At(Day(2026, 1, 1));
  context.certificates = form.certificates;
  FlipReport("e2e-evidence-zen4c.json (version 3)", form.report, context);
  const snp::TestPlatform platform{.family = "Turin", .hardware_id = Bytes(8, std::byte{0x5A})};
  Context turin = platform.Trusting();
  turin.chains = &chains;
  FlipReport("version 5 of a test's key",
             platform.Report(5, 0x02, [](Bytes& raw) { raw[0x1F8] = std::byte{0x02}; }), turin);
}

// A VCEK or VLEK is signed as a whole by AMD; its own encoding leaves no byte free.
TEST_F(FlipsTest, CertificatesOfTheSigningKeys) {
  const std::tuple<const char*, const char*, std::int64_t> cases[] = {
      {"trustee/snp/test-vcek.der", "trustee/snp/test-report.bin", Day(2024, 1, 1)},
      {"trustee/snp/test-vlek.der", "trustee/snp/test-vlek-report.bin", Day(2025, 6, 1)}};
  for (const auto& [certificate, report, time] : cases) {
    const Bytes raw = Sample(report);
    ExpectEveryFlipIsNoticed({.name = certificate,
                              .good = Sample(certificate),
                              .unsigned_parts = {},
                              .appraise = [&](ByteView der) {
                                Context context = At(time);
                                Result<void> added = AddFile(
                                    Role::kChain, "c", Bytes(der.begin(), der.end()), context);
                                if (!added) {
                                  Appraisal refused;
                                  refused.Refuse("chain", added.error().message);
                                  return refused;
                                }
                                Appraisal appraisal = snp::Appraise("r", raw, context);
                                if (appraisal.verdict() == Verdict::kIncomplete) {
                                  appraisal.Refuse("chain", "no VCEK or VLEK any more");
                                }
                                return appraisal;
                              }});
  }
}

// Signed: header and body by the attestation key; that key by the QE report's data (with the auth
// data); the QE report by the PCK; the PCK's chain by Intel's root. Lengths and types decide where
// these stand. Not signed: what stands behind the signature data, and in the root's own copy
// nothing either, since it must be the pinned one.
TEST_F(FlipsTest, TdxAndSgxQuotes) {
  for (const char* file :
       {"trustee/tdx/tdx_quote_4.dat", "trustee/tdx/tdx_quote_6.dat", "trustee/tdx/az-td-quote.bin",
        "go-tdx-guest/quote_v5_sample.dat", "go-tdx-guest/tdx_prod_quote_SPR_E4.dat",
        "trustee/tdx/occlum_quote.dat"}) {
    const Bytes good = Sample(file);
    const tdx::Quote quote = tdx::ParseQuote(good).value();
    const std::size_t behind = good.size() - quote.padding - quote.trailing;
    const Context context = At(Day(2025, 11, 1));
    ExpectEveryFlipIsNoticed(
        {.name = file,
         .good = good,
         .unsigned_parts = {{behind, good.size(), "what stands behind the quote"}},
         .appraise = [&](ByteView raw) { return tdx::Appraise("q", raw, context); },
         .unsigned_are_said = true});
  }
}

// Signed: request and answer up to the signature. Not signed: what stands behind it.
TEST_F(FlipsTest, NvidiaReports) {
  const std::pair<const char*, const char*> cases[] = {
      {"trustee/nvidia/hopperAttestationReport.txt", "trustee/nvidia/hopper_cert_chain_case1.txt"},
      {"trustee/nvidia/hopper_coco_report1.txt", "trustee/nvidia/hopper_coco_certs1.txt"}};
  for (const auto& [file, chain] : cases) {
    Context context = At(Day(2026, 11, 22));
    context.certificates = SampleChain(chain);
    const Bytes good = HexSample(file);
    const std::size_t behind = good.size() - nvidia::ParseReport(good)->trailing;
    ExpectEveryFlipIsNoticed(
        {.name = file,
         .good = good,
         .unsigned_parts = {{behind, good.size(), "what stands behind the report"}},
         .appraise = [&](ByteView raw) { return nvidia::Appraise("r", raw, {}, context); }});
  }
}

// Signed: the payload and protected header of each COSE_Sign1; the heads between them leave no
// freedom, since only the shortest form is read, and the unprotected headers must be empty.
TEST_F(FlipsTest, ArmCcaTokens) {
  Context context = At(Day(2026, 11, 22));
  ASSERT_TRUE(AddFile(Role::kRoot, "k", Sample("trustee/cca/cpak-pub.json"), context));
  ExpectEveryFlipIsNoticed(
      {.name = "cca-example-token.cbor",
       .good = Sample("trustee/cca/cca-example-token.cbor"),
       .unsigned_parts = {},
       .appraise = [&](ByteView raw) { return cca::Appraise("t", raw, context); }});
}

// Signed: header and payload of each token; the overall one names the devices and their tokens'
// digests. What is left is the shape of the JSON around them.
TEST_F(FlipsTest, AnswersOfNvidiasService) {
  const nvidia::TestService service;
  const std::string answer = service.Answer();
  const Context context = service.Trusting();
  ExpectEveryFlipIsNoticed(
      {.name = "an answer of the service, signed by a test's key",
       .good = Bytes(AsBytes(answer).begin(), AsBytes(answer).end()),
       .unsigned_parts = {},
       .appraise = [&](ByteView raw) { return AppraiseFile("n", raw, context).at(0); }});
}

}  // namespace
}  // namespace casemate::attestation
