#include "crypto/x509_chain.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "crypto/test_authority.h"

namespace casemate::crypto {
namespace {

constexpr std::int64_t kBegin = 1'700'000'000;
constexpr std::int64_t kEnd = 1'800'000'000;
std::filesystem::path Source() { return CASEMATE_SOURCE_DIR; }

X509Certificate Parsed(const Bytes& der) { return X509Certificate::FromDer(der).value(); }

std::vector<X509Certificate> Pem(const std::string& path) {
  return ReadPemCertificates(AsText(ReadFile(Source() / path, 1 << 20).value())).value();
}

struct Family {
  TestKey root_key = TestKey::Ec(EcCurve::kP384);
  TestKey middle_key = TestKey::Ec(EcCurve::kP384);
  TestKey leaf_key = TestKey::Ec(EcCurve::kP256);
  X509Certificate root = Make("root", true, root_key, "root", root_key);
  X509Certificate middle = Make("middle", true, middle_key, "root", root_key);
  X509Certificate leaf = Make("leaf", false, leaf_key, "middle", middle_key);

  static X509Certificate Make(const std::string& name, bool authority, const TestKey& key,
                              const std::string& issuer, const TestKey& issuer_key,
                              std::vector<TestExtension> extensions = {}) {
    return Parsed(IssueTestCertificate({.common_name = name,
                                        .authority = authority,
                                        .not_before = kBegin,
                                        .not_after = kEnd,
                                        .extensions = std::move(extensions)},
                                       key, issuer, issuer_key));
  }
};

TEST(X509ChainTest, AChainInWhateverOrderIsFound) {
  const Family f;
  for (const std::vector<X509Certificate>& others :
       {std::vector{f.middle}, std::vector{f.root, f.middle, f.leaf},
        std::vector{f.middle, f.root}}) {
    Result<std::vector<X509Certificate>> chain = VerifyChain(f.leaf, others, f.root);
    ASSERT_TRUE(chain.has_value()) << chain.error().message;
    ASSERT_EQ(chain->size(), 3U);
    EXPECT_EQ(chain->front().common_name(), "leaf");
    EXPECT_EQ(chain->back().sha256(), f.root.sha256());
  }
}

TEST(X509ChainTest, AMissingIntermediateOrAnotherRootIsRefused) {
  const Family f;
  const Family other;
  EXPECT_FALSE(VerifyChain(f.leaf, {}, f.root).has_value());
  EXPECT_FALSE(VerifyChain(f.leaf, std::vector{f.middle}, other.root).has_value());
  // The same names, another key.
  EXPECT_FALSE(VerifyChain(f.leaf, std::vector{other.middle}, f.root).has_value());
}

TEST(X509ChainTest, OnlyAnAuthorityMayIssue) {
  const Family f;
  const TestKey key = TestKey::Ec(EcCurve::kP256);
  const X509Certificate below = Family::Make("below", false, key, "leaf", f.leaf_key);
  EXPECT_FALSE(VerifyChain(below, std::vector{f.leaf, f.middle}, f.root).has_value());
}

TEST(X509ChainTest, AnUnknownCriticalExtensionIsRefusedUnlessTheCallerReadsIt) {
  const Family f;
  const X509Certificate odd =
      Family::Make("odd", false, f.leaf_key, "middle", f.middle_key,
                   {{.oid = "2.23.133.5.4.1.1", .content = Bytes(4), .critical = true}});
  EXPECT_FALSE(VerifyChain(odd, std::vector{f.middle}, f.root).has_value());
  const std::vector<std::string> known = {"2.23.133.5.4.1.1"};
  EXPECT_TRUE(VerifyChain(odd, std::vector{f.middle}, f.root, known).has_value());
  EXPECT_EQ(odd.Extension("2.23.133.5.4.1.1"), Bytes(4));
  EXPECT_FALSE(odd.Extension("2.23.133.5.4.1").has_value());
}

TEST(X509ChainTest, EveryFlippedBitOfACertificateIsRefused) {
  const Family f;
  for (std::size_t i = 0; i < f.leaf.der().size(); ++i) {
    Bytes bad = f.leaf.der();
    bad[i] ^= static_cast<std::byte>(1U << (i % 8));
    Result<X509Certificate> parsed = X509Certificate::FromDer(bad);
    EXPECT_FALSE(parsed && VerifyChain(*parsed, std::vector{f.middle}, f.root)) << "byte " << i;
  }
}

TEST(X509ChainTest, DatesAreJudgedAtTheTimeGiven) {
  const Family f;
  const std::vector<X509Certificate> chain = {f.leaf, f.middle, f.root};
  EXPECT_TRUE(CheckValidity(chain, kBegin).has_value());
  EXPECT_TRUE(CheckValidity(chain, kEnd).has_value());
  EXPECT_FALSE(CheckValidity(chain, kBegin - 1).has_value());
  Result<void> late = CheckValidity(chain, kEnd + 1);
  ASSERT_FALSE(late.has_value());
  EXPECT_NE(late.error().message.find("\"leaf\""), std::string::npos) << late.error().message;
}

TEST(X509ChainTest, AmdsChainsAreSignedWithTheirPssParameters) {
  for (const char* file :
       {"milan", "genoa", "turin_vcek", "milan_vlek", "genoa_vlek", "turin_vlek"}) {
    const auto pem = Pem("data/attestation/roots/ask_ark_" + std::string(file) + ".pem");
    ASSERT_EQ(pem.size(), 2U) << file;
    EXPECT_TRUE(pem[0].signed_with_pss_sha384() && pem[1].signed_with_pss_sha384()) << file;
    EXPECT_TRUE(VerifyChain(pem[0], {}, pem[1]).has_value()) << file;
  }
  EXPECT_FALSE(Pem("data/attestation/roots/intel_sgx_root_ca.pem")[0].signed_with_pss_sha384());
}

TEST(X509ChainTest, PemErrorsNameTheCertificate) {
  const Family f;
  const std::string pem =
      "-----BEGIN CERTIFICATE-----\n" + ToBase64(f.root.der()) + "\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(ReadPemCertificates(pem + pem)->size(), 2U);
  EXPECT_EQ(ReadPemCertificates(pem + pem, 1).error().code, ErrorCode::kTooLarge);
  EXPECT_FALSE(ReadPemCertificates("nothing").has_value());
  const auto cut = ReadPemCertificates(pem + "-----BEGIN CERTIFICATE-----\nAAAA");
  ASSERT_FALSE(cut.has_value());
  EXPECT_NE(cut.error().message.find("certificate 2"), std::string::npos);
  EXPECT_FALSE(X509Certificate::FromDer(Bytes(10)).has_value());
  Bytes longer = f.root.der();
  longer.push_back(std::byte{0});
  EXPECT_FALSE(X509Certificate::FromDer(longer).has_value());
}

TEST(RevocationListTest, ReadsIntelsList) {
  // tests/data/attestation/README.md: PCK Platform CA, 2023-06-08..2023-07-08.
  const Bytes der =
      ReadFile(Source() / "tests/data/attestation/go-tdx-guest/pckcrl", 1 << 20).value();
  const auto chain = Pem("tests/data/attestation/go-tdx-guest/pck_crl_issuer_chain.pem");
  Result<RevocationList> crl = RevocationList::Read(der);
  ASSERT_TRUE(crl.has_value());
  EXPECT_TRUE(crl->SignedBy(chain[0]));
  EXPECT_FALSE(crl->SignedBy(chain[1]));
  EXPECT_LT(crl->this_update(), 1'688'000'000);
  EXPECT_GT(crl->next_update(), 1'688'000'000);
  EXPECT_FALSE(RevocationList::Read(ByteView(der).first(der.size() - 1)).has_value());
}

TEST(RevocationListTest, ARevokedCertificateIsFoundBySerial) {
  const Family f;
  const X509Certificate other = Parsed(IssueTestCertificate(
      {.common_name = "other", .serial = 8, .not_before = kBegin, .not_after = kEnd}, f.leaf_key,
      "middle", f.middle_key));
  Result<RevocationList> crl =
      RevocationList::Read(IssueTestCrl("middle", f.middle_key, kBegin, kEnd, {3, 8}));
  ASSERT_TRUE(crl.has_value()) << crl.error().detail;
  EXPECT_TRUE(crl->SignedBy(f.middle));
  EXPECT_FALSE(crl->SignedBy(f.root));
  EXPECT_TRUE(crl->Revokes(other));
  EXPECT_FALSE(crl->Revokes(f.leaf));
}

}  // namespace
}  // namespace casemate::crypto
