#include "crypto/ocsp.h"

#include <gtest/gtest.h>

#include "crypto/test_authority.h"

namespace casemate::crypto {
namespace {

constexpr std::int64_t kBegin = 1'700'000'000;
constexpr std::int64_t kNow = kBegin + 1000;
constexpr std::int64_t kEnd = kBegin + 100'000;

// id-kp-OCSPSigning in an extended key usage (RFC 6960, section 4.2.2.2).
TestExtension ForOcsp() {
  return {.oid = "2.5.29.37", .content = FromHex("300a06082b06010505070309").value()};
}

struct OcspTest : testing::Test {
  TestKey root_key = TestKey::Ec(EcCurve::kP384);
  TestKey leaf_key = TestKey::Ec(EcCurve::kP384);
  Bytes root = Issue("root", root_key, true, {});
  Bytes leaf = Issue("leaf", leaf_key, false, {});

  Bytes Issue(const std::string& name, const TestKey& key, bool authority,
              std::vector<TestExtension> extensions, std::int64_t until = kEnd) const {
    return IssueTestCertificate({.common_name = name,
                                 .authority = authority,
                                 .not_before = kBegin,
                                 .not_after = until,
                                 .extensions = std::move(extensions)},
                                key, "root", root_key);
  }
  Bytes Good(bool revoked = false) const {
    return IssueTestOcsp({.certificate = leaf,
                          .issuer = root,
                          .revoked = revoked,
                          .this_update = kBegin,
                          .next_update = kEnd},
                         root, root_key);
  }
  std::optional<OcspResponse::Answer> About(const Bytes& response, std::int64_t time = kNow) const {
    Result<OcspResponse> read = OcspResponse::Read(response);
    EXPECT_TRUE(read.has_value());
    return read ? read->About(X509Certificate::FromDer(leaf).value(),
                              X509Certificate::FromDer(root).value(), time)
                : std::nullopt;
  }
};

TEST_F(OcspTest, TheIssuersAnswerIsRead) {
  const auto good = About(Good());
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->status, OcspResponse::Status::kGood);
  EXPECT_EQ(good->this_update, kBegin);
  EXPECT_EQ(good->next_update, kEnd);
  EXPECT_EQ(About(Good(true))->status, OcspResponse::Status::kRevoked);
}

TEST_F(OcspTest, ADelegateMustBeCertifiedForItByTheIssuer) {
  const TestKey key = TestKey::Ec(EcCurve::kP384);
  const TestOcsp ocsp{
      .certificate = leaf, .issuer = root, .this_update = kBegin, .next_update = kEnd};
  EXPECT_TRUE(About(IssueTestOcsp(ocsp, Issue("responder", key, false, {ForOcsp()}), key)));
  EXPECT_FALSE(About(IssueTestOcsp(ocsp, Issue("responder", key, false, {}), key)))
      << "certified, but not for OCSP";
  const Bytes own = IssueTestCertificate(
      {.common_name = "root", .authority = true, .not_before = kBegin, .not_after = kEnd}, key,
      "root", key);
  EXPECT_FALSE(About(IssueTestOcsp(ocsp, own, key))) << "the issuer's name, another key";
  const Bytes brief = Issue("responder", key, false, {ForOcsp()}, kBegin + 10);
  EXPECT_FALSE(About(IssueTestOcsp(ocsp, brief, key))) << "its certificate has run out";
}

TEST_F(OcspTest, AnAnswerAboutAnotherCertificateSaysNothing) {
  // The same names and numbers below another issuer key.
  const TestKey key = TestKey::Ec(EcCurve::kP384);
  const Bytes other = IssueTestCertificate(
      {.common_name = "root", .authority = true, .not_before = kBegin, .not_after = kEnd}, key,
      "root", key);
  EXPECT_FALSE(About(IssueTestOcsp(
      {.certificate = leaf, .issuer = other, .this_update = kBegin, .next_update = kEnd}, root,
      root_key)));
}

TEST_F(OcspTest, NoFlippedBitMakesARevokedCertificateGood) {
  const Bytes good = Good(true);
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= static_cast<std::byte>(1U << (at * 3 % 8));
    Result<OcspResponse> read = OcspResponse::Read(bad);
    const auto answer = read ? About(bad) : std::nullopt;
    // Not signed: the responder's certificate, when the issuer itself signed.
    EXPECT_TRUE(!answer || answer->status == OcspResponse::Status::kRevoked) << at;
  }
  for (std::size_t size = 0; size < good.size(); size += 7) {
    EXPECT_FALSE(OcspResponse::Read(ByteView(good).first(size)).has_value());
  }
  EXPECT_FALSE(OcspResponse::Read(Bytes(OcspResponse::kMaxBytes + 1)).has_value());
  EXPECT_FALSE(OcspResponse::Read(FromHex("30030a0106").value()).has_value()) << "unauthorized";
}

}  // namespace
}  // namespace casemate::crypto
