#pragma once

#include <string>
#include <utility>
#include <vector>

#include "attestation/sample_test.h"
#include "crypto/sha2.h"
#include "crypto/test_authority.h"

// For tests: reference manifests in NVIDIA's form (a SWID tag with XMLDSig), signed by a key of the
// test. The text is written in canonical form (Canonical XML 1.1), so that what is digested is the
// text itself without the signature.
namespace casemate::attestation::nvidia {

struct TestResource {
  unsigned index = 0;
  bool active = true;
  std::vector<Bytes> hashes;
};

struct TestManifest {
  std::string version = "1.2";
  std::vector<TestResource> resources;
  crypto::TestKey root_key = crypto::TestKey::Ec(crypto::EcCurve::kP384);
  crypto::TestKey key = crypto::TestKey::Ec(crypto::EcCurve::kP384);

  static constexpr const char* kNamespaces[] = {
      R"(xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd")",
      R"(xmlns:ds="http://www.w3.org/2000/09/xmldsig#")",
      R"(xmlns:ns2="http://www.w3.org/2001/04/xmlenc#sha384")"};

  crypto::X509Certificate Root() const { return Issue("RIM root", true, root_key); }

  std::string Body() const {
    std::string body = std::string("<SoftwareIdentity ") + kNamespaces[0] + " " + kNamespaces[2] +
                       R"( name="GH100" tagId="test" version="1.0"><Meta colloquialVersion=")" +
                       version + R"(" product="GH100"></Meta><Payload>)";
    for (const TestResource& resource : resources) {
      body += std::string("<Resource active=\"") + (resource.active ? "True" : "False") +
              R"(" index=")" + std::to_string(resource.index) + R"(" type="Measurement")";
      for (std::size_t i = 0; i < resource.hashes.size(); ++i) {
        body += " ns2:Hash" + std::to_string(i) + "=\"" + ToHex(resource.hashes[i]) + "\"";
      }
      body += "></Resource>";
    }
    return body + "</Payload>";
  }

  Bytes Signed() const {
    using crypto::HashAlgorithm;
    const std::string end = "</SoftwareIdentity>";
    const std::string body = Body();
    const std::string info =
        R"(<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11">)"
        R"(</ds:CanonicalizationMethod><ds:SignatureMethod )"
        R"(Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"></ds:SignatureMethod>)"
        R"(<ds:Reference URI=""><ds:Transforms><ds:Transform )"
        R"(Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>)"
        R"(<ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"></ds:Transform>)"
        R"(</ds:Transforms><ds:DigestMethod )"
        R"(Algorithm="http://www.w3.org/2001/04/xmldsig-more#sha384"></ds:DigestMethod>)"
        "<ds:DigestValue>" +
        ToBase64(crypto::Hash(HashAlgorithm::kSha384, AsBytes(body + end))) +
        "</ds:DigestValue></ds:Reference></ds:SignedInfo>";
    const std::string canonical = std::string("<ds:SignedInfo ") + kNamespaces[0] + " " +
                                  kNamespaces[1] + " " + kNamespaces[2] + ">" + info;
    const Bytes signature =
        key.Sign(crypto::EcCurve::kP384, HashAlgorithm::kSha384, AsBytes(canonical));
    const std::string text = body + "<ds:Signature " + kNamespaces[1] + "><ds:SignedInfo>" + info +
                             "<ds:SignatureValue>" + ToBase64(signature) +
                             "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>" +
                             ToBase64(Issue("RIM signer", false, key).der()) +
                             "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>" +
                             end;
    return Bytes(AsBytes(text).begin(), AsBytes(text).end());
  }

 private:
  crypto::X509Certificate Issue(const std::string& name, bool authority,
                                const crypto::TestKey& subject) const {
    return crypto::X509Certificate::FromDer(
               crypto::IssueTestCertificate({.common_name = name,
                                             .authority = authority,
                                             .not_before = Day(2026, 1, 1),
                                             .not_after = Day(2027, 1, 1),
                                             .extensions = {}},
                                            subject, "RIM root", root_key))
        .value();
  }
};

}  // namespace casemate::attestation::nvidia
