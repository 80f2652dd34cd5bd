#pragma once

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/sha2.h"

// What the .cc files of crypto/ share about OpenSSL.
namespace casemate::crypto::internal {

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <typename T, auto kFree>
using Owned = std::unique_ptr<T, Deleter<kFree>>;

using CipherContext = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using DigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using KdfContext = Owned<EVP_KDF_CTX, EVP_KDF_CTX_free>;
using MacContext = Owned<EVP_MAC_CTX, EVP_MAC_CTX_free>;
using PrivateKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using PrivateKeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

// Algorithms are looked up once; OpenSSL's own lookup at each use takes locks. Never freed.
const EVP_CIPHER* Aes256Gcm();
const EVP_MD* Sha256Algorithm();
const EVP_MD* DigestOf(HashAlgorithm algorithm);

// RFC 2253; empty without memory.
std::string NameText(const X509_NAME* name);
// UNIX seconds; 0 when it is none.
std::int64_t UnixTime(const ASN1_TIME* time);

// Ends the process: for calls that fail only when memory is exhausted or OpenSSL lacks one of its
// own algorithms, and whose callers could do nothing about it.
void Require(bool done, std::string_view what);

// Empties OpenSSL's error queue into `detail`: names of functions and reasons, no data.
[[nodiscard]] std::unexpected<Error> FailOpenssl(ErrorCode code, std::string_view what);

inline const unsigned char* In(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* Out(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace casemate::crypto::internal
