#include "crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <array>
#include <string>

#include "crypto/kdf_internal.h"
#include "crypto/openssl_internal.h"

namespace casemate::crypto {
namespace {

constexpr std::size_t kHkdfMaxOutput = std::size_t{255} * 64;  // RFC 5869, section 2.3
constexpr std::size_t kHkdfMaxInfo = std::size_t{32} * 1024;   // OpenSSL's HKDF_MAXINFO

// OSSL_PARAM is written to by some algorithms and read by these: the casts drop const only.
OSSL_PARAM OctetParam(const char* name, ByteView bytes) {
  // A null pointer means "not given": an empty value needs an address.
  static std::byte nothing{};
  void* data = bytes.empty() ? static_cast<void*>(&nothing)
                             : const_cast<void*>(static_cast<const void*>(bytes.data()));
  return OSSL_PARAM_construct_octet_string(name, data, bytes.size());
}

Result<void> Hkdf(int mode, ByteView key, ByteView salt, ByteView info, std::span<std::byte> out) {
  if (out.empty() || out.size() > kHkdfMaxOutput || info.size() > kHkdfMaxInfo) {
    return Fail(ErrorCode::kInvalidArgument,
                "HKDF of " + std::to_string(out.size()) + " bytes with info of " +
                    std::to_string(info.size()) + " bytes, expected 1 to 16320 and at most 32768");
  }
  static EVP_KDF* const hkdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  const internal::KdfContext context(EVP_KDF_CTX_new(hkdf));
  char digest[] = "SHA512";
  std::array<OSSL_PARAM, 6> params{};
  std::size_t count = 0;
  params[count++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
  params[count++] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
  params[count++] = OctetParam(OSSL_KDF_PARAM_KEY, key);
  params[count++] = OctetParam(OSSL_KDF_PARAM_INFO, info);
  if (!salt.empty()) {
    params[count++] = OctetParam(OSSL_KDF_PARAM_SALT, salt);
  }
  params[count] = OSSL_PARAM_construct_end();
  if (context == nullptr ||
      EVP_KDF_derive(context.get(), internal::Out(out), out.size(), params.data()) != 1) {
    return internal::FailOpenssl(ErrorCode::kResourceExhausted, "HKDF");
  }
  return {};
}

}  // namespace

namespace internal {

Result<void> HkdfExpandInto(KeyView key, ByteView info, std::span<std::byte> out) {
  return Hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, key.RevealKey(), {}, info, out);
}

Result<void> Argon2idInto(ByteView passphrase, ByteView salt, ByteView secret,
                          ByteView associated_data, const Argon2Parameters& p,
                          std::span<std::byte> out) {
  static EVP_KDF* const argon2 = EVP_KDF_fetch(nullptr, "ARGON2ID", nullptr);
  const KdfContext context(EVP_KDF_CTX_new(argon2));
  std::uint32_t memory_kib = p.memory_kib;
  std::uint32_t passes = p.passes;
  std::uint32_t lanes = p.lanes;
  std::uint32_t threads = 1;
  std::uint32_t version = 0x13;
  const OSSL_PARAM params[] = {
      OctetParam(OSSL_KDF_PARAM_PASSWORD, passphrase),
      OctetParam(OSSL_KDF_PARAM_SALT, salt),
      OctetParam(OSSL_KDF_PARAM_SECRET, secret),
      OctetParam(OSSL_KDF_PARAM_ARGON2_AD, associated_data),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &passes),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_MEMCOST, &memory_kib),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_LANES, &lanes),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_THREADS, &threads),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_VERSION, &version),
      OSSL_PARAM_construct_end()};
  if (context == nullptr || EVP_KDF_derive(context.get(), Out(out), out.size(), params) != 1) {
    return FailOpenssl(ErrorCode::kResourceExhausted, "Argon2id");
  }
  return {};
}

}  // namespace internal

Result<SecretBuffer> HkdfSha512(ByteView input_key, ByteView salt, ByteView info,
                                std::size_t length) {
  if (length == 0 || length > kHkdfMaxOutput) {
    return Fail(ErrorCode::kInvalidArgument,
                "HKDF of " + std::to_string(length) + " bytes, expected 1 to 16320");
  }
  Result<SecretBuffer> out = SecretBuffer::Allocate(length);
  if (!out) {
    return out;
  }
  if (auto done =
          Hkdf(EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, input_key, salt, info, out->mutable_bytes());
      !done) {
    return std::unexpected(done.error());
  }
  return out;
}

Result<Key> HkdfExpandKey(KeyView key, ByteView info) {
  Result<Key> out = Key::Zeroed();
  if (!out) {
    return out;
  }
  if (auto done = internal::HkdfExpandInto(key, info, out->mutable_bytes()); !done) {
    return std::unexpected(done.error());
  }
  return out;
}

Result<Key> Argon2id(ByteView passphrase, ByteView salt, const Argon2Parameters& p) {
  if (salt.size() < 16) {
    return Fail(ErrorCode::kInvalidArgument,
                "Argon2id salt of " + std::to_string(salt.size()) + " bytes, expected 16 or more");
  }
  // RFC 9106, section 3.1: at least 8 KiB for each lane.
  if (p.lanes < 1 || p.lanes > 16 || p.passes < 1 || p.passes > 64 || p.memory_kib < 8 * p.lanes ||
      p.memory_kib > 4'194'304) {
    return Fail(ErrorCode::kInvalidArgument,
                "Argon2id with " + std::to_string(p.memory_kib) + " KiB, " +
                    std::to_string(p.passes) + " passes, " + std::to_string(p.lanes) +
                    " lanes; expected 8 KiB a lane to 4194304, 1 to 64, 1 to 16");
  }
  Result<Key> out = Key::Zeroed();
  if (!out) {
    return out;
  }
  if (auto done = internal::Argon2idInto(passphrase, salt, {}, {}, p, out->mutable_bytes());
      !done) {
    return std::unexpected(done.error());
  }
  return out;
}

}  // namespace casemate::crypto
