#include "crypto/quic_initial.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <string>

#include "crypto/openssl_internal.h"

namespace casemate::crypto {
namespace {

using internal::CipherContext;
using internal::In;
using internal::Out;
using internal::Require;

constexpr std::array<unsigned char, 20> kSalt1 = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34,
                                                  0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
                                                  0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
constexpr std::array<unsigned char, 20> kSalt2 = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6,
                                                  0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
                                                  0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};

// HKDF with SHA-256 in one of its modes (RFC 5869).
void Hkdf(int mode, ByteView salt, ByteView key, ByteView info, std::span<std::byte> out) {
  static EVP_KDF* algorithm = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr);
  const internal::KdfContext context(EVP_KDF_CTX_new(algorithm));
  std::string digest = "SHA256";
  std::array<OSSL_PARAM, 6> parameters{};
  std::size_t count = 0;
  parameters[count++] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
  parameters[count++] =
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size());
  // A connection id may be empty, but OpenSSL takes no key from nowhere.
  std::byte nothing{};
  parameters[count++] = OSSL_PARAM_construct_octet_string(
      OSSL_KDF_PARAM_KEY, key.empty() ? &nothing : const_cast<std::byte*>(key.data()), key.size());
  if (!salt.empty()) {
    parameters[count++] = OSSL_PARAM_construct_octet_string(
        OSSL_KDF_PARAM_SALT, const_cast<std::byte*>(salt.data()), salt.size());
  }
  if (!info.empty()) {
    parameters[count++] = OSSL_PARAM_construct_octet_string(
        OSSL_KDF_PARAM_INFO, const_cast<std::byte*>(info.data()), info.size());
  }
  parameters[count] = OSSL_PARAM_construct_end();
  Require(context != nullptr &&
              EVP_KDF_derive(context.get(), Out(out), out.size(), parameters.data()) == 1,
          "HKDF-SHA256");
}

// HKDF-Expand-Label with an empty context (RFC 8446 section 7.1).
void ExpandLabel(ByteView secret, std::string_view label, std::span<std::byte> out) {
  const std::string full = "tls13 " + std::string(label);
  Bytes info;
  PutU16(info, static_cast<std::uint16_t>(out.size()));
  info.push_back(static_cast<std::byte>(full.size()));
  Put(info, AsBytes(full));
  info.push_back(std::byte{0});
  Hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, {}, secret, info, out);
}

}  // namespace

QuicInitialKeys DeriveQuicInitialKeys(QuicVersion version, ByteView destination, bool server) {
  const auto& salt = version == QuicVersion::k1 ? kSalt1 : kSalt2;
  const std::string prefix = version == QuicVersion::k1 ? "quic " : "quicv2 ";
  std::array<std::byte, 32> initial{};
  Hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, std::as_bytes(std::span(salt)), destination, {}, initial);
  std::array<std::byte, 32> secret{};
  ExpandLabel(initial, server ? "server in" : "client in", secret);
  QuicInitialKeys keys;
  ExpandLabel(secret, prefix + "key", keys.key);
  ExpandLabel(secret, prefix + "iv", keys.iv);
  ExpandLabel(secret, prefix + "hp", keys.header);
  return keys;
}

std::array<std::byte, 5> QuicHeaderMask(const QuicInitialKeys& keys, ByteView sample) {
  std::array<std::byte, 16> block{};
  int size = 0;
  const CipherContext context(EVP_CIPHER_CTX_new());
  Require(context != nullptr && sample.size() == 16 &&
              EVP_EncryptInit_ex2(context.get(), EVP_aes_128_ecb(), In(keys.header), nullptr,
                                  nullptr) == 1 &&
              EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
              EVP_EncryptUpdate(context.get(), Out(block), &size, In(sample), 16) == 1,
          "AES-128-ECB");
  std::array<std::byte, 5> mask{};
  std::copy_n(block.begin(), mask.size(), mask.begin());
  return mask;
}

Result<Bytes> OpenQuicInitial(const QuicInitialKeys& keys, std::uint64_t packet_number,
                              ByteView header, ByteView sealed) {
  constexpr std::size_t kTag = 16;
  if (sealed.size() < kTag) {
    return Fail(ErrorCode::kIntegrityFailure, "an Initial packet shorter than its tag");
  }
  std::array<std::byte, 12> nonce = keys.iv;
  for (std::size_t i = 0; i < 8; ++i) {
    nonce[11 - i] ^= static_cast<std::byte>(packet_number >> (8 * i));
  }
  const ByteView body = sealed.first(sealed.size() - kTag);
  Bytes tag(sealed.end() - kTag, sealed.end());
  Bytes opened(body.size());
  int size = 0;
  int last = 0;
  const CipherContext context(EVP_CIPHER_CTX_new());
  const bool good =
      context != nullptr &&
      EVP_DecryptInit_ex2(context.get(), EVP_aes_128_gcm(), In(keys.key), In(nonce), nullptr) ==
          1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, In(header),
                        static_cast<int>(header.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), Out(opened), &size, In(body),
                        static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), Out(opened) + size, &last) == 1;
  if (!good) {
    return internal::FailOpenssl(ErrorCode::kIntegrityFailure,
                                 "an Initial packet that does not verify");
  }
  return opened;
}

}  // namespace casemate::crypto
