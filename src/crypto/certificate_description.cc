#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>

#include "crypto/certificate.h"
#include "crypto/openssl_internal.h"

namespace casemate::crypto {
namespace {

using internal::FailOpenssl;
using internal::In;
using internal::Owned;

using Certificate = Owned<X509, X509_free>;
using Bio = Owned<BIO, BIO_free>;

std::string NameText(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) {
    return {};
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::int64_t UnixSeconds(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
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

}  // namespace

Result<CertificateDescription> DescribeCertificate(ByteView certificate_der) {
  const unsigned char* at = In(certificate_der);
  const Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(certificate_der.size())));
  if (certificate == nullptr || at != In(certificate_der) + certificate_der.size()) {
    return FailOpenssl(ErrorCode::kInvalidArgument, "not a certificate in DER");
  }
  CertificateDescription out;
  out.subject = NameText(X509_get_subject_name(certificate.get()));
  out.issuer = NameText(X509_get_issuer_name(certificate.get()));
  out.public_key = KeyText(certificate.get());
  const int signature = X509_get_signature_nid(certificate.get());
  const char* name = OBJ_nid2ln(signature);
  out.signature = name == nullptr ? "unknown" : name;
  out.post_quantum = out.signature.starts_with("ML-DSA") || out.signature.starts_with("SLH-DSA");
  out.not_before = UnixSeconds(X509_get0_notBefore(certificate.get()));
  out.not_after = UnixSeconds(X509_get0_notAfter(certificate.get()));
  return out;
}

}  // namespace casemate::crypto
