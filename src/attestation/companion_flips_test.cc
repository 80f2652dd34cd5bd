#include "attestation/azure/appraise.h"
#include "attestation/azure/test_envelope.h"
#include "attestation/evidence.h"
#include "attestation/flips_test.h"
#include "attestation/nvidia/check_manifests.h"
#include "attestation/roots.h"
#include "attestation/sample_test.h"
#include "attestation/snp/test_platform.h"
#include "attestation/tdx/check_tcb.h"
#include "attestation/tdx/pck.h"
#include "crypto/sha2.h"

// As flips_test.cc, for what stands beside or around evidence: Intel's collateral, revocation
// lists, NVIDIA's manifests, Azure's envelope. A changed companion is refused or left out; none is
// ever used, and only what it would be used for is judged here, so that each flip costs one
// signature.
namespace casemate::attestation {
namespace {

struct CompanionFlipsTest : testing::Test {
  ChainMemo chains;

  Context At(std::int64_t time) {
    Context context;
    context.time = time;
    context.chains = &chains;
    return context;
  }
};

// Left out is as good as refused, when it is said: the step that needs it is not there or not done.
void RefuseUnlessUsed(const char* step, Appraisal& appraisal) {
  const Step* found = appraisal.Find(step);
  if (found == nullptr || found->outcome == Outcome::kNotChecked) {
    appraisal.Refuse("collateral", "left out");
  }
}

struct CollateralSet {
  const char* quote;
  const char* info;
  const char* identity;
  std::int64_t time;
};

// Signed: the value of "tcbInfo" or "enclaveIdentity", as it stands there; the rest of the file is
// its name, the signature and the braces around them. Not signed: white space behind, and the case
// of the signature's hexadecimal digits.
TEST_F(CompanionFlipsTest, TcbInfoAndQeIdentity) {
  const CollateralSet sets[] = {
      {"trustee/tdx/tdx_quote_4.dat", "go-tdx-guest/sample_tcbInfo_response",
       "go-tdx-guest/sample_qeIdentity_response", Day(2023, 7, 1)},
      {"trustee/tdx/tdx_quote_6.dat", "trustee/tdx/tcbInfo.json",
       "trustee/tdx/enclaveIdentity.json", Day(2025, 11, 1)},
      {"go-tdx-guest/quote_v5_sample.dat", "go-tdx-guest/sample_tcbinfo_response_v5",
       "go-tdx-guest/sample_qeIdentity_response", Day(2026, 2, 15)}};
  for (const CollateralSet& set : sets) {
    const tdx::Quote quote = tdx::ParseQuote(Sample(set.quote)).value();
    const tdx::Pck pck =
        tdx::ReadPck(crypto::ReadPemCertificates(quote.pck_chain).value().front()).value();
    const std::pair<const char*, const char*> pairs[] = {{set.info, set.identity},
                                                         {set.identity, set.info}};
    for (const auto& [changed, other] : pairs) {
      const Bytes good = Sample(changed);
      Context context = At(set.time);
      ASSERT_TRUE(AddFile(Role::kCollateral, "chain",
                          Sample("go-tdx-guest/tcb_signing_issuer_chain.pem"), context));
      context.collateral = {{.name = other, .content = Sample(other)}, {.name = changed}};
      const bool newline = good.back() == std::byte{'\n'};
      const std::size_t digits = AsText(good).find("\"signature\":\"") + 13;
      ExpectEveryFlipIsNoticed(
          {.name = changed,
           .good = good,
           .unsigned_parts = {{digits, digits + 128, "whether digits are upper or lower case"},
                              {good.size() - (newline ? 1 : 0), good.size(), "white space behind"}},
           .appraise = [&](ByteView text) {
             context.collateral[1].content.assign(text.begin(), text.end());
             Appraisal appraisal;
             tdx::CheckTcb(quote, pck, context, appraisal);
             RefuseUnlessUsed("tcb-status", appraisal);
             return appraisal;
           }});
    }
  }
}

// Signed: all of the list by its issuer; DER leaves no byte free.
TEST_F(CompanionFlipsTest, RevocationLists) {
  const tdx::Quote quote = tdx::ParseQuote(Sample("trustee/tdx/tdx_quote_4.dat")).value();
  const auto certificates = crypto::ReadPemCertificates(quote.pck_chain).value();
  Context context = At(Day(2023, 7, 1));
  const AnchoredChain chain =
      VerifyToRoot("intel", certificates.front(), certificates, context).value();
  const std::pair<const char*, const char*> pairs[] = {
      {"go-tdx-guest/pckcrl", "go-tdx-guest/rootcrl.der"},
      {"go-tdx-guest/rootcrl.der", "go-tdx-guest/pckcrl"}};
  for (const auto& [changed, other] : pairs) {
    const crypto::RevocationList beside = crypto::RevocationList::Read(Sample(other)).value();
    ExpectEveryFlipIsNoticed({.name = changed,
                              .good = Sample(changed),
                              .unsigned_parts = {},
                              .appraise = [&](ByteView der) {
                                context.revocation_lists = {beside};
                                if (auto list = crypto::RevocationList::Read(der)) {
                                  context.revocation_lists.push_back(*std::move(list));
                                }
                                Appraisal appraisal;
                                AppraiseChain(chain, context, "", appraisal);
                                RefuseUnlessUsed("revocation", appraisal);
                                return appraisal;
                              }});
  }
}

// Signed: the whole document but its <Signature>; of that the SignedInfo. The signer's certificate
// must lead to the pinned root. Not signed: how the XML declaration is written, and the copies of
// certificates that the chain does not need (the pinned root's).
TEST_F(CompanionFlipsTest, ReferenceManifests) {
  const nvidia::Report report;
  for (const char* file : {"nvtrust/Driver_RIM_test_no_gpu.swidtag",
                           "nvtrust/1010_0200_882_96005E0001_PROD.swidtag"}) {
    const Bytes good = Sample(file);
    const std::string_view text = AsText(good);
    const std::size_t declaration = text.starts_with("<?xml") ? text.find("?>") + 2 : 0;
    const std::size_t root = text.rfind("X509Certificate>MII") + 16;
    const std::size_t root_end = text.find('<', root);
    ASSERT_NE(root_end, std::string_view::npos);
    Context context = At(Day(2024, 6, 1));
    context.collateral = {{.name = file}};
    ExpectEveryFlipIsNoticed({.name = file,
                              .good = good,
                              .unsigned_parts = {{0, declaration, "the XML declaration"},
                                                 {root, root_end, "a copy of the pinned root"}},
                              .appraise = [&](ByteView xml) {
                                context.collateral[0].content.assign(xml.begin(), xml.end());
                                Appraisal appraisal;
                                nvidia::CheckManifests(report, context, appraisal);
                                RefuseUnlessUsed("rim-signature", appraisal);
                                return appraisal;
                              }});
  }
}

// Signed: the report inside by the chip; the runtime data by its digest in the report. Not signed:
// the envelope's header, the sizes and types between (which must fit), and what stands behind.
TEST_F(CompanionFlipsTest, AzuresEnvelope) {
  const snp::TestPlatform platform{.family = "Genoa"};
  Context context = platform.Trusting();
  context.chains = &chains;
  const Bytes report = platform.Report(3, 0x11, [](Bytes& raw) {
    const Bytes digest = crypto::Hash(crypto::HashAlgorithm::kSha256, AsBytes(azure::kRuntime));
    std::ranges::copy(digest, raw.begin() + 0x50);
  });
  const Bytes good = azure::MakeEnvelope(report, 2, azure::kRuntime);
  ExpectEveryFlipIsNoticed(
      {.name = "Azure's envelope",
       .good = good,
       .unsigned_parts = {{0, 32, "the envelope's header"},
                          {1216, 1236, "sizes and types"},
                          {1236 + azure::kRuntime.size(), good.size(), "what stands behind"}},
       .appraise = [&](ByteView raw) { return azure::Appraise("hcl", raw, context); }});
}

}  // namespace
}  // namespace casemate::attestation
