#include "attestation/rim/manifest.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "attestation/sample_test.h"
#include "crypto/x509_chain.h"

namespace casemate::attestation::rim {
namespace {

constexpr const char* kDriver = "nvtrust/Driver_RIM_test_no_gpu.swidtag";

TEST(ManifestTest, NvidiasManifestsAreReadAndTheirSignaturesHold) {
  const std::pair<const char*, const char*> cases[] = {
      {kDriver, "545.00"},
      {"nvtrust/1010_0200_882_96005E0001_PROD.swidtag", "96.00.5E.00.01"},
      {"nvtrust/1010_0200_882_96005E0001_test_no_gpu.swidtag", "96.00.5E.00.01"}};
  for (const auto& [file, version] : cases) {
    Result<Manifest> manifest = ReadManifest(Sample(file));
    ASSERT_TRUE(manifest.has_value()) << file << manifest.error().message;
    EXPECT_TRUE(manifest->signature_holds) << file << manifest->signature_failure;
    EXPECT_EQ(manifest->version, version);
    EXPECT_EQ(manifest->product, "GH100");
    EXPECT_EQ(manifest->values.size(), 64U);
    EXPECT_EQ(manifest->certificates.size(), 4U);
  }
}

TEST(ManifestTest, AlternativesAreKept) {
  const Manifest manifest =
      ReadManifest(Sample("nvtrust/1010_0200_882_96005E0001_PROD.swidtag")).value();
  EXPECT_TRUE(std::ranges::any_of(
      manifest.values, [](const ReferenceValue& value) { return value.alternatives.size() == 4; }));
}

TEST(ManifestTest, DeclarationsEntitiesAndOtherDocumentsAreRefused) {
  const std::string good = SampleText(kDriver);
  const std::string bomb =
      "<!DOCTYPE SoftwareIdentity [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>" + good;
  const std::string outside = "<!DOCTYPE SoftwareIdentity SYSTEM \"file:///etc/passwd\">" + good;
  for (const std::string& bad :
       {bomb, outside, std::string("<a/>"), std::string(), std::string("<SoftwareIdentity/>"),
        good.substr(0, good.size() / 2), std::string(kMaxManifestBytes + 1, ' ')}) {
    EXPECT_FALSE(ReadManifest(AsBytes(bad)).has_value());
  }
}

TEST(ManifestTest, ASecondSignatureAReferenceElsewhereAndAnotherAlgorithmDoNotHold) {
  const std::string good = SampleText(kDriver);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string bad = good;
    const std::size_t at = bad.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    bad.replace(at, from.size(), to);
    Result<Manifest> manifest = ReadManifest(AsBytes(bad));
    return manifest && manifest->signature_holds;
  };
  EXPECT_FALSE(with("URI=\"\"", "URI=\"#x\""));
  EXPECT_FALSE(with("xmldsig-more#ecdsa-sha384", "xmldsig-more#ecdsa-sha256"));
  EXPECT_FALSE(with("</SoftwareIdentity>",
                    "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/"
                    "xmldsig#\"/></SoftwareIdentity>"));
  EXPECT_FALSE(with("index=\"7\" active=\"True\"", "index=\"7\" active=\"False\""));
}

TEST(ManifestTest, ValuesOutOfShapeAreRefused) {
  const std::string good = SampleText(kDriver);
  const std::pair<std::string, std::string> changes[] = {
      {"index=\"7\"", "index=\"8\""},     {"index=\"7\"", "index=\"seven\""},
      {"index=\"7\"", "index=\"70000\""}, {"active=\"True\"", "active=\"maybe\""},
      {"Hash0=\"0e0ee1", "Hash0=\"0e0e"},
  };
  for (const auto& [from, to] : changes) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    EXPECT_FALSE(ReadManifest(AsBytes(bad)).has_value()) << to;
  }
}

}  // namespace
}  // namespace casemate::attestation::rim
