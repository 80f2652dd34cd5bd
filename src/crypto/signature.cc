#include "crypto/signature.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "crypto/openssl_internal.h"

namespace casemate::crypto {
namespace {

using internal::FailOpenssl;
using internal::In;
using internal::Out;
using internal::PrivateKey;

struct Shape {
  const char* name;  // as OpenSSL has it
  std::size_t public_key_size;
  std::size_t signature_size;
};

Shape ShapeOf(SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::kEd25519:
      return {.name = "ED25519", .public_key_size = 32, .signature_size = 64};
    case SignatureAlgorithm::kMlDsa44:
      return {.name = "ML-DSA-44", .public_key_size = 1312, .signature_size = 2420};
  }
  return {.name = nullptr, .public_key_size = 0, .signature_size = 0};
}

PrivateKey FromSeedBytes(SignatureAlgorithm algorithm, KeyView seed) {
  const auto bytes = seed.RevealKey();
  if (algorithm == SignatureAlgorithm::kEd25519) {
    return PrivateKey(
        EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, In(bytes), bytes.size()));
  }
  const internal::PrivateKeyContext context(
      EVP_PKEY_CTX_new_from_name(nullptr, ShapeOf(algorithm).name, nullptr));
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_DSA_SEED,
                                        const_cast<std::byte*>(bytes.data()), bytes.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params) != 1) {
    return nullptr;
  }
  return PrivateKey(key);
}

}  // namespace

struct SigningKey::State {
  SignatureAlgorithm algorithm;
  PrivateKey key;
  Bytes public_key;
};

SigningKey::SigningKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;
SignatureAlgorithm SigningKey::algorithm() const { return state_->algorithm; }
const Bytes& SigningKey::public_key() const { return state_->public_key; }

Result<SigningKey> SigningKey::FromSeed(SignatureAlgorithm algorithm, KeyView seed) {
  const Shape shape = ShapeOf(algorithm);
  if (shape.name == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "unknown signature algorithm");
  }
  PrivateKey key = FromSeedBytes(algorithm, seed);
  Bytes public_key(shape.public_key_size);
  std::size_t size = public_key.size();
  if (key == nullptr || EVP_PKEY_get_raw_public_key(key.get(), Out(public_key), &size) != 1 ||
      size != public_key.size()) {
    return FailOpenssl(ErrorCode::kResourceExhausted, "signing key could not be made");
  }
  return SigningKey(std::unique_ptr<State>(new State{
      .algorithm = algorithm, .key = std::move(key), .public_key = std::move(public_key)}));
}

Result<Bytes> SigningKey::Sign(ByteView message) const {
  const internal::DigestContext context(EVP_MD_CTX_new());
  Bytes signature(ShapeOf(state_->algorithm).signature_size);
  std::size_t size = signature.size();
  if (context == nullptr ||
      EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, state_->key.get(),
                            nullptr) != 1 ||
      EVP_DigestSign(context.get(), Out(signature), &size, In(message), message.size()) != 1 ||
      size != signature.size()) {
    return FailOpenssl(ErrorCode::kResourceExhausted, "signing failed");
  }
  return signature;
}

Result<void> Verify(SignatureAlgorithm algorithm, ByteView public_key, ByteView message,
                    ByteView signature) {
  const Shape shape = ShapeOf(algorithm);
  if (shape.name == nullptr || public_key.size() != shape.public_key_size) {
    return Fail(ErrorCode::kInvalidArgument, "not a public key of that algorithm",
                std::to_string(public_key.size()) + " bytes, expected " +
                    std::to_string(shape.public_key_size));
  }
  const PrivateKey key(EVP_PKEY_new_raw_public_key_ex(nullptr, shape.name, nullptr, In(public_key),
                                                      public_key.size()));
  const internal::DigestContext context(EVP_MD_CTX_new());
  if (key == nullptr || context == nullptr ||
      EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key.get(),
                              nullptr) != 1) {
    return FailOpenssl(ErrorCode::kInvalidArgument, "not a public key of that algorithm");
  }
  if (signature.size() != shape.signature_size ||
      EVP_DigestVerify(context.get(), In(signature), signature.size(), In(message),
                       message.size()) != 1) {
    return FailOpenssl(ErrorCode::kIntegrityFailure, "signature does not verify");
  }
  return {};
}

}  // namespace casemate::crypto
