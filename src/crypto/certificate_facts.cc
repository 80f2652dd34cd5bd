#include "crypto/certificate_facts.h"

#include <arpa/inet.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "crypto/openssl_internal.h"

namespace casemate::crypto {
namespace {

using Certificate = internal::Owned<X509, X509_free>;

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

std::string Text(const ASN1_STRING* string) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                     static_cast<std::size_t>(ASN1_STRING_length(string)));
}

std::string AddressText(const ASN1_OCTET_STRING* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  const bool fits = ASN1_STRING_length(bytes) == 4 || ASN1_STRING_length(bytes) == 16;
  return fits && ::inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(), text.size()) !=
                     nullptr
             ? text.data()
             : "";
}

// What the key is, and how large where the name alone does not say it.
std::string KeyText(X509* certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) {
    return "unknown";
  }
  const char* type = EVP_PKEY_get0_type_name(key);
  std::string text = type == nullptr ? "unknown" : type;
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (text == "EC" && EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1) {
    text += " " + std::string(group.data(), size);
  } else if (text.starts_with("RSA") || text == "DSA") {
    text += " " + std::to_string(EVP_PKEY_get_bits(key));
  }
  return text;
}

std::string SignatureText(const X509* certificate) {
  const char* name = OBJ_nid2ln(X509_get_signature_nid(certificate));
  return name == nullptr ? "unknown" : name;
}

}  // namespace

Result<CertificateFacts> ReadCertificate(ByteView certificate_der) {
  const auto* at = reinterpret_cast<const unsigned char*>(certificate_der.data());
  const unsigned char* end = at + certificate_der.size();
  const Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(certificate_der.size())));
  if (certificate == nullptr || at != end) {
    return Fail(ErrorCode::kIntegrityFailure, "not an X.509 certificate in DER");
  }
  CertificateFacts facts;
  facts.subject = internal::NameText(X509_get_subject_name(certificate.get()));
  facts.issuer = internal::NameText(X509_get_issuer_name(certificate.get()));
  facts.public_key = KeyText(certificate.get());
  facts.signature = SignatureText(certificate.get());
  facts.post_quantum =
      facts.signature.starts_with("ML-DSA") || facts.signature.starts_with("SLH-DSA");
  facts.not_before = internal::UnixTime(X509_get0_notBefore(certificate.get()));
  facts.not_after = internal::UnixTime(X509_get0_notAfter(certificate.get()));
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      facts.dns_names.push_back(Text(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
      facts.ip_addresses.push_back(AddressText(name->d.iPAddress));
    }
  }
  return facts;
}

}  // namespace casemate::crypto
