#include "crypto/certificate.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace casemate::crypto {
namespace {

namespace fs = std::filesystem;

// A folder of its own for each test, with the certificates in PEM, for the openssl command: another
// reader of what we wrote.
class CertificateTest : public testing::Test {
 protected:
  CertificateTest() : folder_(::mkdtemp(template_.data())) {}
  ~CertificateTest() override { fs::remove_all(folder_); }

  fs::path Write(const std::string& name, ByteView der) {
    std::ofstream(folder_ / name) << CertificateToPem(der);
    return folder_ / name;
  }
  // Runs a command; returns its exit status and output.
  static std::pair<int, std::string> Run(const std::string& command) {
    std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    std::string output;
    std::array<char, 4096> part{};
    for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), pipe)) > 0;) {
      output.append(part.data(), got);
    }
    return {::pclose(pipe), output};
  }

 private:
  std::string template_ = "/tmp/casemate-certificate-XXXXXX";

 protected:
  fs::path folder_;
};

LeafRequest Local() {
  LeafRequest request;
  request.dns_names = {"localhost", "casemate.example"};
  request.ip_addresses = {"127.0.0.1", "::1"};
  return request;
}

TEST_F(CertificateTest, OpensslVerifiesTheChainStrictly) {
  const Result<CertifiedKey> ca =
      MakeCertificateAuthority("Casemate local authority", std::chrono::days(3650));
  ASSERT_TRUE(ca.has_value()) << ca.error().message << ca.error().detail;
  const Result<CertifiedKey> leaf = IssueServerCertificate(*ca, Local());
  ASSERT_TRUE(leaf.has_value()) << leaf.error().message << leaf.error().detail;
  const fs::path ca_pem = Write("ca.pem", ca->certificate_der);
  const fs::path leaf_pem = Write("leaf.pem", leaf->certificate_der);

  const std::string verify =
      "openssl verify -x509_strict -purpose sslserver -CAfile " + ca_pem.string() + " ";
  auto [status, output] = Run(verify + "-verify_hostname casemate.example " + leaf_pem.string());
  EXPECT_EQ(status, 0) << output;
  std::tie(status, output) = Run(verify + "-verify_ip ::1 " + leaf_pem.string());
  EXPECT_EQ(status, 0) << output;
  std::tie(status, output) = Run(verify + "-verify_hostname other.example " + leaf_pem.string());
  EXPECT_NE(status, 0) << output;
}

TEST_F(CertificateTest, LeafOfAnotherAuthorityDoesNotVerify) {
  const CertifiedKey ca =
      std::move(MakeCertificateAuthority("Casemate", std::chrono::days(10)).value());
  const CertifiedKey other =
      std::move(MakeCertificateAuthority("Casemate", std::chrono::days(10)).value());
  const CertifiedKey leaf = std::move(IssueServerCertificate(other, Local()).value());
  const auto [status, output] =
      Run("openssl verify -CAfile " + Write("ca.pem", ca.certificate_der).string() + " " +
          Write("leaf.pem", leaf.certificate_der).string());
  EXPECT_NE(status, 0) << output;
}

TEST_F(CertificateTest, CarriesTheExtensionsThatStrictVerifiersWant) {
  const CertifiedKey ca =
      std::move(MakeCertificateAuthority("Casemate", std::chrono::days(10)).value());
  const CertifiedKey leaf = std::move(IssueServerCertificate(ca, Local()).value());
  const auto [status, text] =
      Run("openssl x509 -noout -text -in " + Write("leaf.pem", leaf.certificate_der).string());
  ASSERT_EQ(status, 0);
  for (const char* expected :
       {"X509v3 Basic Constraints: critical", "CA:FALSE", "X509v3 Key Usage: critical",
        "Digital Signature", "TLS Web Server Authentication", "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
        "DNS:localhost, DNS:casemate.example, IP Address:127.0.0.1, IP "
        "Address:0:0:0:0:0:0:0:1",
        "prime256v1", "ecdsa-with-SHA256"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << expected << "\n" << text;
  }
  const auto [ca_status, ca_text] =
      Run("openssl x509 -noout -text -in " + Write("ca.pem", ca.certificate_der).string());
  ASSERT_EQ(ca_status, 0);
  for (const char* expected : {"CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "critical"}) {
    EXPECT_NE(ca_text.find(expected), std::string::npos) << expected << "\n" << ca_text;
  }
}

TEST_F(CertificateTest, PrivateKeyBelongsToTheCertificate) {
  const CertifiedKey ca =
      std::move(MakeCertificateAuthority("Casemate", std::chrono::days(10)).value());
  const fs::path key = folder_ / "key.der";
  const std::string_view der = AsText(ca.private_key_der.RevealBytes());
  std::ofstream(key, std::ios::binary).write(der.data(), static_cast<std::streamsize>(der.size()));
  const auto [status, public_of_key] = Run("openssl pkey -inform DER -pubout -in " + key.string());
  ASSERT_EQ(status, 0) << public_of_key;
  const auto [x509_status, public_of_certificate] =
      Run("openssl x509 -noout -pubkey -in " + Write("ca.pem", ca.certificate_der).string());
  ASSERT_EQ(x509_status, 0);
  EXPECT_EQ(public_of_key, public_of_certificate);
}

TEST_F(CertificateTest, PemGoesThereAndBack) {
  const CertifiedKey ca =
      std::move(MakeCertificateAuthority("Casemate", std::chrono::days(10)).value());
  const Result<Bytes> back =
      CertificateFromPem("text before\n" + CertificateToPem(ca.certificate_der));
  ASSERT_TRUE(back.has_value()) << back.error().detail;
  EXPECT_EQ(*back, ca.certificate_der);
}

TEST_F(CertificateTest, FromPemRefusesWhatIsNoCertificate) {
  for (const char* pem : {"", "no certificate",
                          "-----BEGIN CERTIFICATE-----\nAAAA\n"
                          "-----END CERTIFICATE-----\n"}) {
    const Result<Bytes> der = CertificateFromPem(pem);
    ASSERT_FALSE(der.has_value());
    EXPECT_EQ(der.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(CertificateTest, IssueRefusesBadRequests) {
  const CertifiedKey ca =
      std::move(MakeCertificateAuthority("Casemate", std::chrono::days(10)).value());
  LeafRequest nothing;
  LeafRequest bad_dns;
  bad_dns.dns_names = {"a,DNS:b.example"};
  LeafRequest bad_ip;
  bad_ip.ip_addresses = {"127.0.0.256"};
  LeafRequest too_many;
  too_many.dns_names.assign(65, "localhost");
  LeafRequest too_short = Local();
  too_short.lifetime = std::chrono::days(0);
  for (const LeafRequest& request : {nothing, bad_dns, bad_ip, too_many, too_short}) {
    const Result<CertifiedKey> leaf = IssueServerCertificate(ca, request);
    ASSERT_FALSE(leaf.has_value());
    EXPECT_EQ(leaf.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(CertificateTest, IssueRefusesALeafOrAForeignKeyAsAuthority) {
  CertifiedKey ca = std::move(MakeCertificateAuthority("Casemate", std::chrono::days(10)).value());
  CertifiedKey leaf = std::move(IssueServerCertificate(ca, Local()).value());
  EXPECT_FALSE(IssueServerCertificate(leaf, Local()).has_value());
  std::swap(ca.private_key_der, leaf.private_key_der);
  EXPECT_FALSE(IssueServerCertificate(ca, Local()).has_value());
}

TEST_F(CertificateTest, AuthorityRefusesBadNamesAndLifetimes) {
  EXPECT_FALSE(MakeCertificateAuthority("", std::chrono::days(1)).has_value());
  EXPECT_FALSE(MakeCertificateAuthority(std::string(65, 'a'), std::chrono::days(1)).has_value());
  EXPECT_FALSE(MakeCertificateAuthority("Casemate", std::chrono::days(0)).has_value());
}

}  // namespace
}  // namespace casemate::crypto
