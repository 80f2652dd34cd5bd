#include "crypto/openssl_internal.h"

#include <openssl/err.h>

#include <cstdlib>
#include <ctime>
#include <string>

#include "base/log.h"

namespace casemate::crypto::internal {

const EVP_CIPHER* Aes256Gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  Require(cipher != nullptr, "fetch AES-256-GCM");
  return cipher;
}

const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Require(digest != nullptr, "fetch SHA256");
  return digest;
}

const EVP_MD* DigestOf(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha384: {
      static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA384", nullptr);
      Require(digest != nullptr, "fetch SHA384");
      return digest;
    }
    case HashAlgorithm::kSha512: {
      static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA512", nullptr);
      Require(digest != nullptr, "fetch SHA512");
      return digest;
    }
    case HashAlgorithm::kSha256:
      break;
  }
  return Sha256Algorithm();
}

std::string NameText(const X509_NAME* name) {
  const Owned<BIO, BIO_free> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) {
    return {};
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::int64_t UnixTime(const ASN1_TIME* time) {
  std::tm parts{};
  return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

void Require(bool done, std::string_view what) {
  if (!done) {
    Log(LogLevel::kError, "OpenSSL failed where it must not", {{"call", what}});
    std::abort();
  }
}

std::unexpected<Error> FailOpenssl(ErrorCode code, std::string_view what) {
  std::string detail;
  for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error()) {
    char text[256];
    ERR_error_string_n(error, text, sizeof(text));
    detail += detail.empty() ? "" : "; ";
    detail += text;
  }
  return Fail(code, std::string(what), std::move(detail));
}

}  // namespace casemate::crypto::internal
