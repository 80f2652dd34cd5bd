#include "crypto/x509_chain.h"

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "crypto/openssl_internal.h"

namespace casemate::crypto {
namespace {

using internal::FailOpenssl;
using internal::In;
using internal::Out;

using Bio = internal::Owned<BIO, BIO_free>;
using Certificate = internal::Owned<X509, X509_free>;
using Crl = internal::Owned<X509_CRL, X509_CRL_free>;
using Store = internal::Owned<X509_STORE, X509_STORE_free>;
using StoreContext = internal::Owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using Object = internal::Owned<ASN1_OBJECT, ASN1_OBJECT_free>;
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }  // borrowed members
};
using Stack = std::unique_ptr<STACK_OF(X509), FreeStack>;

constexpr std::size_t kMaxCrlBytes = std::size_t{4} * 1024 * 1024;

std::string CommonName(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) {
    return {};
  }
  const ASN1_STRING* data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(data)),
                     static_cast<std::size_t>(ASN1_STRING_length(data)));
}

Bytes EcPoint(X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr || EVP_PKEY_is_a(key, "EC") != 1) {
    return {};
  }
  unsigned char* point = nullptr;
  const std::size_t size = EVP_PKEY_get1_encoded_public_key(key, &point);
  const auto* bytes = reinterpret_cast<const std::byte*>(point);
  Bytes copy(bytes, bytes + size);
  OPENSSL_free(point);
  return copy;
}

// RFC 4055: the parameters are compared as DER, so that nothing else can be meant. The second form
// spells out the default trailer, as older certificates of AMD do.
bool IsPssSha384(const X509* certificate) {
  static const std::array<Bytes, 2> forms = {
      FromHex("304106092a864886f70d01010a3034a00f300d06096086480165030402020500a11c301a06092a864886"
              "f70d010108300d06096086480165030402020500a203020130")
          .value_or(Bytes()),
      FromHex("304606092a864886f70d01010a3039a00f300d06096086480165030402020500a11c301a06092a864886"
              "f70d010108300d06096086480165030402020500a203020130a303020101")
          .value_or(Bytes())};
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, certificate);
  const int size = i2d_X509_ALGOR(algorithm, nullptr);
  if (size <= 0) {
    return false;
  }
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* at = Out(der);
  return i2d_X509_ALGOR(algorithm, &at) == size && std::ranges::find(forms, der) != forms.end();
}

// Lets pass what the caller said that it reads itself; everything else stands.
int OnVerify(int good, X509_STORE_CTX* context) {
  if (good == 1 || X509_STORE_CTX_get_error(context) != X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION) {
    return good;
  }
  const auto* known =
      static_cast<const std::span<const std::string>*>(X509_STORE_CTX_get_app_data(context));
  const X509* certificate = X509_STORE_CTX_get_current_cert(context);
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* extension = X509_get_ext(certificate, i);
    std::array<char, 128> oid{};
    OBJ_obj2txt(oid.data(), oid.size(), X509_EXTENSION_get_object(extension), 1);
    if (X509_EXTENSION_get_critical(extension) == 1 && X509_supported_extension(extension) != 1 &&
        std::ranges::find(*known, std::string_view(oid.data())) == known->end()) {
      return 0;
    }
  }
  return 1;
}

}  // namespace

struct X509Certificate::State {
  Certificate x509;
  Bytes der;
  std::string sha256;
  std::string subject;
  std::string issuer;
  std::string common_name;
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  Bytes ec_point;
  bool pss_sha384 = false;
};

Result<X509Certificate> X509Certificate::FromDer(ByteView der) {
  if (der.size() > kMaxBytes) {
    return Fail(ErrorCode::kTooLarge, "certificate of " + std::to_string(der.size()) + " bytes");
  }
  const unsigned char* at = In(der);
  const unsigned char* end = at + der.size();
  Certificate x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (x509 == nullptr) {
    return FailOpenssl(ErrorCode::kInvalidArgument, "not an X.509 certificate in DER");
  }
  if (at != end) {
    return Fail(ErrorCode::kInvalidArgument,
                std::to_string(end - at) + " bytes behind the certificate");
  }
  auto state = std::make_shared<State>();
  state->der.assign(der.begin(), der.end());
  state->sha256 = ToHex(Hash(HashAlgorithm::kSha256, der));
  state->subject = internal::NameText(X509_get_subject_name(x509.get()));
  state->issuer = internal::NameText(X509_get_issuer_name(x509.get()));
  state->common_name = CommonName(X509_get_subject_name(x509.get()));
  state->not_before = internal::UnixTime(X509_get0_notBefore(x509.get()));
  state->not_after = internal::UnixTime(X509_get0_notAfter(x509.get()));
  state->ec_point = EcPoint(x509.get());
  state->pss_sha384 = IsPssSha384(x509.get());
  (void)X509_check_purpose(x509.get(), -1, 0);  // fills OpenSSL's cache now: const from here on
  state->x509 = std::move(x509);
  return X509Certificate(std::move(state));
}

const Bytes& X509Certificate::der() const { return state_->der; }
const std::string& X509Certificate::sha256() const { return state_->sha256; }
const std::string& X509Certificate::subject() const { return state_->subject; }
const std::string& X509Certificate::issuer() const { return state_->issuer; }
const std::string& X509Certificate::common_name() const { return state_->common_name; }
std::int64_t X509Certificate::not_before() const { return state_->not_before; }
std::int64_t X509Certificate::not_after() const { return state_->not_after; }
const Bytes& X509Certificate::ec_point() const { return state_->ec_point; }
bool X509Certificate::signed_with_pss_sha384() const { return state_->pss_sha384; }

std::optional<Bytes> X509Certificate::Extension(const std::string& oid) const {
  const Object object(OBJ_txt2obj(oid.c_str(), 1));
  const int at = object == nullptr ? -1 : X509_get_ext_by_OBJ(state_->x509.get(), object.get(), -1);
  if (at < 0) {
    return std::nullopt;
  }
  const ASN1_OCTET_STRING* data = X509_EXTENSION_get_data(X509_get_ext(state_->x509.get(), at));
  const auto* bytes = reinterpret_cast<const std::byte*>(ASN1_STRING_get0_data(data));
  return Bytes(bytes, bytes + ASN1_STRING_length(data));
}

bool X509Certificate::IssuedBy(const X509Certificate& issuer) const {
  EVP_PKEY* key = X509_get0_pubkey(issuer.state_->x509.get());
  const bool issued = key != nullptr &&
                      X509_NAME_cmp(X509_get_issuer_name(state_->x509.get()),
                                    X509_get_subject_name(issuer.state_->x509.get())) == 0 &&
                      X509_verify(state_->x509.get(), key) == 1;
  (void)FailOpenssl(ErrorCode::kInvalidArgument, "");  // empties the queue
  return issued;
}

Result<std::vector<X509Certificate>> ReadPemCertificates(std::string_view text, std::size_t most) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<X509Certificate> certificates;
  for (std::size_t at = text.find(kBegin); at != std::string_view::npos;
       at = text.find(kBegin, at)) {
    const std::string which = "certificate " + std::to_string(certificates.size() + 1);
    const std::size_t body = at + kBegin.size();
    const std::size_t end = text.find(kEnd, body);
    if (end == std::string_view::npos) {
      return Fail(ErrorCode::kInvalidArgument, which + ": no END line");
    }
    std::string base64;
    for (const char c : text.substr(body, end - body)) {
      if (c != '\n' && c != '\r' && c != ' ' && c != '\t') {
        base64 += c;
      }
    }
    if (certificates.size() == most) {
      return Fail(ErrorCode::kTooLarge, "more than " + std::to_string(most) + " certificates");
    }
    Result<Bytes> der = FromBase64(base64);
    if (!der) {
      return Wrap(der.error(), which);
    }
    Result<X509Certificate> certificate = X509Certificate::FromDer(*der);
    if (!certificate) {
      return Wrap(certificate.error(), which);
    }
    certificates.push_back(*std::move(certificate));
    at = end + kEnd.size();
  }
  if (certificates.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "no certificate in PEM");
  }
  return certificates;
}

Result<std::vector<X509Certificate>> VerifyChain(const X509Certificate& leaf,
                                                 std::span<const X509Certificate> others,
                                                 const X509Certificate& root,
                                                 std::span<const std::string> known_critical) {
  constexpr int kBits112 = 2;  // security level: no MD5, no SHA-1, RSA of 2048 bits and more
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  const Stack untrusted(sk_X509_new_null());
  internal::Require(store != nullptr && context != nullptr && untrusted != nullptr &&
                        X509_STORE_add_cert(store.get(), root.state_->x509.get()) == 1,
                    "X509_STORE");
  for (const X509Certificate& other : others) {
    internal::Require(sk_X509_push(untrusted.get(), other.state_->x509.get()) > 0, "sk_X509_push");
  }
  internal::Require(X509_STORE_CTX_init(context.get(), store.get(), leaf.state_->x509.get(),
                                        untrusted.get()) == 1,
                    "X509_STORE_CTX_init");
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CHECK_SS_SIGNATURE);
  X509_VERIFY_PARAM_set_auth_level(param, kBits112);
  X509_STORE_CTX_set_app_data(context.get(), &known_critical);
  X509_STORE_CTX_set_verify_cb(context.get(), OnVerify);
  if (X509_verify_cert(context.get()) != 1) {
    const X509* at = X509_STORE_CTX_get_current_cert(context.get());
    std::string message = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    message += " at \"" +
               (at == nullptr ? std::string() : internal::NameText(X509_get_subject_name(at))) +
               "\"";
    return FailOpenssl(ErrorCode::kIntegrityFailure, message);
  }
  std::vector<X509Certificate> chain;
  const STACK_OF(X509)* found = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(found); ++i) {
    const X509* x509 = sk_X509_value(found, i);
    const auto is = [&](const X509Certificate& c) {
      return X509_cmp(c.state_->x509.get(), x509) == 0;
    };
    const auto other = std::ranges::find_if(others, is);
    chain.push_back(is(leaf) ? leaf : other != others.end() ? *other : root);
  }
  return chain;
}

Result<void> CheckValidity(std::span<const X509Certificate> chain, std::int64_t time) {
  for (const X509Certificate& certificate : chain) {
    if (time < certificate.not_before() || time > certificate.not_after()) {
      return Fail(ErrorCode::kIntegrityFailure,
                  "\"" + certificate.common_name() + "\" is valid from " +
                      FormatUtc(certificate.not_before()) + " to " +
                      FormatUtc(certificate.not_after()) + ", not at " + FormatUtc(time));
    }
  }
  return {};
}

struct RevocationList::State {
  Crl crl;
  std::string issuer;
};

Result<RevocationList> RevocationList::Read(ByteView content) {
  if (content.size() > kMaxCrlBytes) {
    return Fail(ErrorCode::kTooLarge, "CRL of " + std::to_string(content.size()) + " bytes");
  }
  Crl crl;
  if (AsText(content).find("-----BEGIN X509 CRL-----") != std::string_view::npos) {
    const Bio bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
    crl.reset(bio == nullptr ? nullptr
                             : PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
  } else {
    const unsigned char* at = In(content);
    const unsigned char* end = at + content.size();
    crl.reset(d2i_X509_CRL(nullptr, &at, static_cast<long>(content.size())));
    if (at != end) {
      crl.reset();
    }
  }
  if (crl == nullptr) {
    return FailOpenssl(ErrorCode::kInvalidArgument, "not a certificate revocation list");
  }
  auto state = std::make_shared<State>();
  state->issuer = internal::NameText(X509_CRL_get_issuer(crl.get()));
  state->crl = std::move(crl);
  return RevocationList(std::move(state));
}

const std::string& RevocationList::issuer() const { return state_->issuer; }
std::int64_t RevocationList::this_update() const {
  return internal::UnixTime(X509_CRL_get0_lastUpdate(state_->crl.get()));
}
std::int64_t RevocationList::next_update() const {
  return internal::UnixTime(X509_CRL_get0_nextUpdate(state_->crl.get()));
}

bool RevocationList::SignedBy(const X509Certificate& issuer) const {
  EVP_PKEY* key = X509_get0_pubkey(issuer.state_->x509.get());
  const bool is_signed = key != nullptr && state_->issuer == issuer.subject() &&
                         X509_CRL_verify(state_->crl.get(), key) == 1;
  (void)FailOpenssl(ErrorCode::kInvalidArgument, "");  // empties the queue
  return is_signed;
}

bool RevocationList::Revokes(const X509Certificate& certificate) const {
  X509_REVOKED* entry = nullptr;
  return X509_CRL_get0_by_serial(state_->crl.get(), &entry,
                                 X509_get0_serialNumber(certificate.state_->x509.get())) == 1;
}

}  // namespace casemate::crypto
