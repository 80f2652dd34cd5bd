#include "crypto/test_authority.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/openssl_internal.h"

namespace casemate::crypto {
namespace {

using internal::In;
using internal::Out;
using internal::Require;
using Certificate = internal::Owned<X509, X509_free>;
using Object = internal::Owned<ASN1_OBJECT, ASN1_OBJECT_free>;
using Octets = internal::Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using Extension = internal::Owned<X509_EXTENSION, X509_EXTENSION_free>;
using Signature = internal::Owned<ECDSA_SIG, ECDSA_SIG_free>;

void AddName(X509_NAME* name, const std::string& common_name) {
  Require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common_name.c_str()),
                                     -1, -1, 0) == 1,
          "X509_NAME");
}

// With SHA-384; an RSA key with PSS, salt 48.
void StartSigning(EVP_MD_CTX* context, EVP_PKEY* signer) {
  EVP_PKEY_CTX* parameters = nullptr;
  Require(EVP_DigestSignInit(context, &parameters, internal::DigestOf(HashAlgorithm::kSha384),
                             nullptr, signer) == 1,
          "EVP_DigestSignInit");
  if (EVP_PKEY_is_a(signer, "RSA") == 1) {
    Require(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 48) == 1,
            "RSA-PSS");
  }
}

Certificate ReadDer(const Bytes& der) {
  const unsigned char* at = In(der);
  Certificate x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  Require(x509 != nullptr, "d2i_X509");
  return x509;
}

}  // namespace

struct TestKey::State {
  internal::PrivateKey key;
};

TestKey TestKey::Ec(EcCurve curve) {
  TestKey key;
  key.state_ = std::make_shared<State>();
  key.state_->key.reset(EVP_EC_gen(std::string(CurveName(curve)).c_str()));
  Require(key.state_->key != nullptr, "EVP_EC_gen");
  return key;
}

TestKey TestKey::Rsa() {
  TestKey key;
  key.state_ = std::make_shared<State>();
  key.state_->key.reset(EVP_RSA_gen(2048));
  Require(key.state_->key != nullptr, "EVP_RSA_gen");
  return key;
}

Bytes TestKey::point() const {
  unsigned char* point = nullptr;
  const std::size_t size = EVP_PKEY_get1_encoded_public_key(state_->key.get(), &point);
  const auto* bytes = reinterpret_cast<const std::byte*>(point);
  Bytes copy(bytes, bytes + size);
  OPENSSL_free(point);
  return copy;
}

Bytes TestKey::Sign(EcCurve curve, HashAlgorithm hash, ByteView message) const {
  const internal::DigestContext context(EVP_MD_CTX_new());
  Bytes der(160);
  std::size_t size = der.size();
  Require(context != nullptr &&
              EVP_DigestSignInit(context.get(), nullptr, internal::DigestOf(hash), nullptr,
                                 state_->key.get()) == 1 &&
              EVP_DigestSign(context.get(), Out(der), &size, In(message), message.size()) == 1,
          "EVP_DigestSign");
  const unsigned char* at = In(der);
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  const int width = static_cast<int>(CoordinateSize(curve));
  Bytes raw(2 * CoordinateSize(curve));
  Require(signature != nullptr &&
              BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), Out(raw), width) == width &&
              BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), Out(raw) + width, width) == width,
          "ECDSA_SIG");
  return raw;
}

Bytes IssueTestCertificate(const TestCertificate& certificate, const TestKey& key,
                           const std::string& issuer_name, const TestKey& issuer_key) {
  const Certificate x509(X509_new());
  Require(x509 != nullptr && X509_set_version(x509.get(), X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), certificate.serial) == 1 &&
              X509_set_pubkey(x509.get(), key.state()->key.get()) == 1,
          "X509");
  AddName(X509_get_subject_name(x509.get()), certificate.common_name);
  X509_NAME* issuer = X509_NAME_new();
  AddName(issuer, issuer_name);
  X509_set_issuer_name(x509.get(), issuer);
  X509_NAME_free(issuer);
  ASN1_TIME_set(X509_getm_notBefore(x509.get()), certificate.not_before);
  ASN1_TIME_set(X509_getm_notAfter(x509.get()), certificate.not_after);
  if (certificate.authority) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x509.get(), x509.get(), nullptr, nullptr, 0);
    const Extension constraints(
        X509V3_EXT_conf_nid(nullptr, &context, NID_basic_constraints, "critical,CA:TRUE"));
    Require(constraints != nullptr && X509_add_ext(x509.get(), constraints.get(), -1) == 1,
            "basic constraints");
  }
  for (const TestExtension& extension : certificate.extensions) {
    const Object oid(OBJ_txt2obj(extension.oid.c_str(), 1));
    const Octets octets(ASN1_OCTET_STRING_new());
    ASN1_OCTET_STRING_set(octets.get(), In(extension.content),
                          static_cast<int>(extension.content.size()));
    const Extension made(
        X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), extension.critical ? 1 : 0, octets.get()));
    Require(made != nullptr && X509_add_ext(x509.get(), made.get(), -1) == 1, "extension");
  }
  const internal::DigestContext context(EVP_MD_CTX_new());
  StartSigning(context.get(), issuer_key.state()->key.get());
  Require(X509_sign_ctx(x509.get(), context.get()) > 0, "X509_sign_ctx");
  Bytes der(static_cast<std::size_t>(i2d_X509(x509.get(), nullptr)));
  unsigned char* at = Out(der);
  i2d_X509(x509.get(), &at);
  return der;
}

Bytes IssueTestCrl(const std::string& issuer_name, const TestKey& issuer_key,
                   std::int64_t this_update, std::int64_t next_update,
                   const std::vector<std::int64_t>& serials) {
  const internal::Owned<X509_CRL, X509_CRL_free> crl(X509_CRL_new());
  X509_NAME* issuer = X509_NAME_new();
  AddName(issuer, issuer_name);
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), issuer);
  X509_NAME_free(issuer);
  const internal::Owned<ASN1_TIME, ASN1_TIME_free> from(ASN1_TIME_set(nullptr, this_update));
  const internal::Owned<ASN1_TIME, ASN1_TIME_free> until(ASN1_TIME_set(nullptr, next_update));
  X509_CRL_set1_lastUpdate(crl.get(), from.get());
  X509_CRL_set1_nextUpdate(crl.get(), until.get());
  for (const std::int64_t serial : serials) {
    X509_REVOKED* entry = X509_REVOKED_new();
    const internal::Owned<ASN1_INTEGER, ASN1_INTEGER_free> number(ASN1_INTEGER_new());
    ASN1_INTEGER_set_int64(number.get(), serial);
    X509_REVOKED_set_serialNumber(entry, number.get());
    X509_REVOKED_set_revocationDate(entry, from.get());
    X509_CRL_add0_revoked(crl.get(), entry);
  }
  const internal::DigestContext context(EVP_MD_CTX_new());
  StartSigning(context.get(), issuer_key.state()->key.get());
  Require(X509_CRL_sign_ctx(crl.get(), context.get()) > 0, "X509_CRL_sign_ctx");
  Bytes der(static_cast<std::size_t>(i2d_X509_CRL(crl.get(), nullptr)));
  unsigned char* at = Out(der);
  i2d_X509_CRL(crl.get(), &at);
  return der;
}

Bytes IssueTestOcsp(const TestOcsp& ocsp, const Bytes& responder, const TestKey& responder_key) {
  using Time = internal::Owned<ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free>;
  const Certificate subject = ReadDer(ocsp.certificate);
  const Certificate issuer = ReadDer(ocsp.issuer);
  const Certificate signer = ReadDer(responder);
  const internal::Owned<OCSP_BASICRESP, OCSP_BASICRESP_free> basic(OCSP_BASICRESP_new());
  const internal::Owned<OCSP_CERTID, OCSP_CERTID_free> id(
      OCSP_cert_to_id(EVP_sha1(), subject.get(), issuer.get()));
  const Time from(ASN1_GENERALIZEDTIME_set(nullptr, ocsp.this_update));
  const Time until(ASN1_GENERALIZEDTIME_set(nullptr, ocsp.next_update));
  Require(OCSP_basic_add1_status(basic.get(), id.get(),
                                 ocsp.revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD,
                                 0, ocsp.revoked ? from.get() : nullptr, from.get(),
                                 until.get()) != nullptr,
          "OCSP_basic_add1_status");
  Require(OCSP_basic_sign(basic.get(), signer.get(), responder_key.state()->key.get(),
                          internal::DigestOf(HashAlgorithm::kSha384), nullptr, 0) == 1,
          "OCSP_basic_sign");
  const internal::Owned<OCSP_RESPONSE, OCSP_RESPONSE_free> response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  Bytes der(static_cast<std::size_t>(i2d_OCSP_RESPONSE(response.get(), nullptr)));
  unsigned char* at = Out(der);
  i2d_OCSP_RESPONSE(response.get(), &at);
  return der;
}

}  // namespace casemate::crypto
