#include "crypto/certificate.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>

#include "crypto/hash.h"
#include "crypto/openssl_internal.h"

namespace casemate::crypto {
namespace {

using internal::FailOpenssl;
using internal::In;
using internal::Out;
using internal::Owned;
using internal::PrivateKey;

using Certificate = Owned<X509, X509_free>;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using Integer = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;
using BigNumber = Owned<BIGNUM, BN_free>;
using Pkcs8 = Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using Bio = Owned<BIO, BIO_free>;

constexpr auto kBackdated = std::chrono::hours(1);  // clients whose clock is behind ours
constexpr std::size_t kSerialSize = 16;             // bytes; RFC 5280 allows 20, CAs need 64 bits
constexpr std::size_t kMaxNames = 64;               // DNS names and addresses of one certificate
constexpr std::size_t kMaxCommonName = 64;          // characters: ub-common-name, RFC 5280

std::unexpected<Error> FailCertificate(std::string_view what) {
  return FailOpenssl(ErrorCode::kInvalidArgument, what);
}

Result<Certificate> ParseCertificate(ByteView der) {
  const unsigned char* at = In(der);
  Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr || at != In(der) + der.size()) {
    return FailCertificate("not a certificate in DER");
  }
  return certificate;
}

Result<Bytes> CertificateToDer(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) {
    return FailCertificate("certificate could not be encoded");
  }
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* at = Out(der);
  i2d_X509(certificate, &at);
  return der;
}

Result<PrivateKey> ParsePrivateKey(const SecretBuffer& der) {
  const unsigned char* at = In(der.RevealBytes());
  const Pkcs8 info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  PrivateKey key(info == nullptr ? nullptr : EVP_PKCS82PKEY(info.get()));
  if (key == nullptr) {
    return FailCertificate("not a private key in PKCS#8");
  }
  return key;
}

Result<SecretBuffer> PrivateKeyToDer(EVP_PKEY* key) {
  const Pkcs8 info(EVP_PKEY2PKCS8(key));
  const int size = info == nullptr ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr);
  if (size <= 0) {
    return FailCertificate("private key could not be encoded");
  }
  Result<SecretBuffer> der = SecretBuffer::Allocate(static_cast<std::size_t>(size));
  if (der) {
    unsigned char* at = Out(der->mutable_bytes());
    i2d_PKCS8_PRIV_KEY_INFO(info.get(), &at);
  }
  return der;
}

bool SetRandomSerial(X509* certificate) {
  std::array<std::byte, kSerialSize> bytes;
  FillRandom(bytes);
  bytes[0] &= std::byte{0x7f};  // positive, and
  bytes[0] |= std::byte{0x40};  // always kSerialSize bytes in DER
  const BigNumber number(BN_bin2bn(In(bytes), kSerialSize, nullptr));
  const Integer serial(number == nullptr ? nullptr : BN_to_ASN1_INTEGER(number.get(), nullptr));
  return serial != nullptr && X509_set_serialNumber(certificate, serial.get()) == 1;
}

bool SetValidity(X509* certificate, std::chrono::days lifetime) {
  const auto seconds = std::chrono::seconds(lifetime) - kBackdated;
  return X509_gmtime_adj(X509_getm_notBefore(certificate),
                         -static_cast<long>(std::chrono::seconds(kBackdated).count())) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), static_cast<long>(seconds.count())) !=
             nullptr;
}

bool SetCommonName(X509* certificate, const std::string& name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(name.c_str()),
                                    static_cast<int>(name.size()), -1, 0) == 1;
}

// `value` is a constant of this file in OpenSSL's own notation, never input.
bool AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_nconf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool IsDnsName(const std::string& name) {
  return !name.empty() && name.size() <= 253 &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.*") ==
             std::string::npos;
}

// subjectAltName from structures, not from text: a name with a comma would become two.
Result<void> AddSubjectAltNames(X509* certificate, const LeafRequest& request) {
  struct FreeNames {
    void operator()(GENERAL_NAMES* names) const {
      sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    }
  };
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(sk_GENERAL_NAME_new_null());
  auto push = [&](int type, ASN1_STRING* value) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    internal::Require(name != nullptr, "GENERAL_NAME_new");
    GENERAL_NAME_set0_value(name, type, value);
    internal::Require(sk_GENERAL_NAME_push(names.get(), name) > 0, "sk_GENERAL_NAME_push");
  };
  for (const std::string& dns : request.dns_names) {
    if (!IsDnsName(dns)) {
      return Fail(ErrorCode::kInvalidArgument, "not a DNS name: '" + dns + "'");
    }
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    internal::Require(
        text != nullptr && ASN1_STRING_set(text, dns.data(), static_cast<int>(dns.size())) == 1,
        "ASN1_STRING_set");
    push(GEN_DNS, text);
  }
  for (const std::string& ip : request.ip_addresses) {
    ASN1_OCTET_STRING* address = a2i_IPADDRESS(ip.c_str());
    if (address == nullptr) {
      return FailCertificate("not an IP address: '" + ip + "'");
    }
    push(GEN_IPADD, address);
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) !=
      1) {
    return FailCertificate("subject alternative names could not be set");
  }
  return {};
}

struct Draft {
  PrivateKey key;
  Certificate certificate;
};

// Version, serial, validity, subject and key: what both kinds have.
Result<Draft> Begin(const std::string& common_name, std::chrono::days lifetime,
                    PrivateKey key = PrivateKey(EVP_EC_gen("P-256"))) {
  if (common_name.empty() || common_name.size() > kMaxCommonName) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "common name of " + std::to_string(common_name.size()) + " bytes, expected 1 to 64");
  }
  if (lifetime < std::chrono::days(1) || lifetime > std::chrono::days(36525)) {
    return Fail(ErrorCode::kInvalidArgument,
                "lifetime of " + std::to_string(lifetime.count()) + " days, expected 1 to 36525");
  }
  Draft draft{.key = std::move(key), .certificate = Certificate(X509_new())};
  X509* certificate = draft.certificate.get();
  if (draft.key == nullptr || certificate == nullptr ||
      X509_set_version(certificate, X509_VERSION_3) != 1 || !SetRandomSerial(certificate) ||
      !SetValidity(certificate, lifetime) || !SetCommonName(certificate, common_name) ||
      X509_set_pubkey(certificate, draft.key.get()) != 1) {
    return FailCertificate("certificate could not be drafted");
  }
  return draft;
}

Result<CertifiedKey> Complete(const Draft& draft, EVP_PKEY* signer) {
  if (X509_sign(draft.certificate.get(), signer, EVP_sha256()) <= 0) {
    return FailCertificate("certificate could not be signed");
  }
  Result<SecretBuffer> key = PrivateKeyToDer(draft.key.get());
  if (!key) {
    return std::unexpected(key.error());
  }
  Result<Bytes> der = CertificateToDer(draft.certificate.get());
  if (!der) {
    return std::unexpected(der.error());
  }
  return CertifiedKey{.private_key_der = std::move(*key), .certificate_der = std::move(*der)};
}

}  // namespace

Result<CertifiedKey> MakeCertificateAuthority(const std::string& common_name,
                                              std::chrono::days lifetime) {
  Result<Draft> draft = Begin(common_name, lifetime);
  if (!draft) {
    return std::unexpected(draft.error());
  }
  X509* certificate = draft->certificate.get();
  // The subject key identifier comes first: the authority key identifier repeats it.
  if (X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
      !AddExtension(certificate, certificate, NID_basic_constraints,
                    "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !AddExtension(certificate, certificate, NID_subject_key_identifier, "hash") ||
      !AddExtension(certificate, certificate, NID_authority_key_identifier, "keyid:always")) {
    return FailCertificate("extensions of the authority could not be set");
  }
  return Complete(*draft, draft->key.get());
}

Result<CertifiedKey> IssueServerCertificate(const CertifiedKey& authority,
                                            const LeafRequest& request) {
  const std::size_t names = request.dns_names.size() + request.ip_addresses.size();
  if (names == 0 || names > kMaxNames) {
    return Fail(ErrorCode::kInvalidArgument,
                std::to_string(names) + " names and addresses, expected 1 to 64");
  }
  Result<Certificate> issuer = ParseCertificate(authority.certificate_der);
  if (!issuer) {
    return std::unexpected(issuer.error());
  }
  Result<PrivateKey> issuer_key = ParsePrivateKey(authority.private_key_der);
  if (!issuer_key) {
    return std::unexpected(issuer_key.error());
  }
  if (X509_check_ca(issuer->get()) != 1 ||
      X509_check_private_key(issuer->get(), issuer_key->get()) != 1) {
    return FailCertificate("not an authority with its own key");
  }
  // Verifiers look at the alternative names only; the subject is for people.
  Result<PrivateKey> own = request.private_key_der == nullptr
                               ? Result<PrivateKey>(PrivateKey(EVP_EC_gen("P-256")))
                               : ParsePrivateKey(*request.private_key_der);
  if (!own) {
    return std::unexpected(own.error());
  }
  Result<Draft> draft = Begin("Casemate server", request.lifetime, std::move(*own));
  if (!draft) {
    return std::unexpected(draft.error());
  }
  X509* certificate = draft->certificate.get();
  if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer->get())) != 1 ||
      !AddExtension(certificate, issuer->get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !AddExtension(certificate, issuer->get(), NID_key_usage, "critical,digitalSignature") ||
      !AddExtension(certificate, issuer->get(), NID_ext_key_usage, "serverAuth") ||
      !AddExtension(certificate, issuer->get(), NID_subject_key_identifier, "hash") ||
      !AddExtension(certificate, issuer->get(), NID_authority_key_identifier, "keyid:always")) {
    return FailCertificate("extensions of the server certificate could not be set");
  }
  if (auto added = AddSubjectAltNames(certificate, request); !added) {
    return std::unexpected(added.error());
  }
  return Complete(*draft, issuer_key->get());
}

std::string CertificateToPem(ByteView certificate_der) {
  // RFC 7468: 64 characters a line.
  const std::string text = ToBase64(certificate_der);
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < text.size(); at += 64) {
    pem += text.substr(at, 64) + "\n";
  }
  return pem + "-----END CERTIFICATE-----\n";
}

Result<Bytes> CertificateFromPem(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Certificate certificate(
      bio == nullptr ? nullptr : PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    return FailCertificate("no certificate in PEM");
  }
  return CertificateToDer(certificate.get());
}

}  // namespace casemate::crypto
