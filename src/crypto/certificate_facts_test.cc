#include "crypto/certificate_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "crypto/certificate.h"

namespace casemate::crypto {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CertificateFactsTest, ALeafSaysItsNamesAndItsTime) {
  const Result<CertifiedKey> ca = MakeCertificateAuthority("test", std::chrono::days(10));
  ASSERT_TRUE(ca.has_value());
  LeafRequest request;
  request.dns_names = {"localhost", "casemate.example"};
  request.ip_addresses = {"127.0.0.1", "::1"};
  request.lifetime = std::chrono::days(3);
  const Result<CertifiedKey> leaf = IssueServerCertificate(*ca, request);
  ASSERT_TRUE(leaf.has_value());

  const Result<CertificateFacts> facts = ReadCertificate(leaf->certificate_der);

  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->subject, "CN=Casemate server");
  EXPECT_EQ(facts->issuer, "CN=test");
  EXPECT_EQ(facts->public_key, "EC prime256v1");
  EXPECT_EQ(facts->signature, "ecdsa-with-SHA256");
  EXPECT_FALSE(facts->post_quantum);
  EXPECT_THAT(facts->dns_names, ElementsAre("localhost", "casemate.example"));
  EXPECT_THAT(facts->ip_addresses, ElementsAre("127.0.0.1", "::1"));
  EXPECT_LE(facts->not_before, UnixSeconds());
  // Backdated by an hour, for clients whose clock is behind.
  EXPECT_NEAR(static_cast<double>(facts->not_after - UnixSeconds()), 3 * 86400.0 - 3600, 600);
}

TEST(CertificateFactsTest, ALeafCanBeRenewedForTheKeyItHad) {
  const Result<CertifiedKey> ca = MakeCertificateAuthority("test", std::chrono::days(10));
  ASSERT_TRUE(ca.has_value());
  LeafRequest request;
  request.dns_names = {"localhost"};
  const Result<CertifiedKey> first = IssueServerCertificate(*ca, request);
  ASSERT_TRUE(first.has_value());
  request.dns_names = {"casemate.example"};
  request.private_key_der = &first->private_key_der;
  const Result<CertifiedKey> second = IssueServerCertificate(*ca, request);
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(second->private_key_der.EqualsConstantTime(first->private_key_der.RevealBytes()));
  EXPECT_NE(second->certificate_der, first->certificate_der);
  EXPECT_THAT(ReadCertificate(second->certificate_der)->dns_names, ElementsAre("casemate.example"));
}

TEST(CertificateFactsTest, AnAuthorityHasNoNames) {
  const Result<CertifiedKey> ca = MakeCertificateAuthority("test", std::chrono::days(10));
  ASSERT_TRUE(ca.has_value());
  const Result<CertificateFacts> facts = ReadCertificate(ca->certificate_der);
  ASSERT_TRUE(facts.has_value());
  EXPECT_THAT(facts->dns_names, IsEmpty());
}

TEST(CertificateFactsTest, WhatIsNoCertificateIsRefused) {
  const Result<CertifiedKey> ca = MakeCertificateAuthority("test", std::chrono::days(10));
  ASSERT_TRUE(ca.has_value());
  Bytes longer = ca->certificate_der;
  longer.push_back(std::byte{0});
  for (const Bytes& bad : {Bytes{}, Bytes(100, std::byte{0x30}), longer}) {
    EXPECT_EQ(ReadCertificate(bad).error().code, ErrorCode::kIntegrityFailure);
  }
}

}  // namespace
}  // namespace casemate::crypto
