#include "crypto/aead.h"

#include <climits>

#include "crypto/gcm_internal.h"

namespace casemate::crypto {
namespace internal {

Gcm::Gcm(std::span<const std::byte, 32> key, Direction direction) : context_(EVP_CIPHER_CTX_new()) {
  Require(context_ != nullptr &&
              EVP_CipherInit_ex2(context_.get(), Aes256Gcm(), In(key), nullptr,
                                 direction == Direction::kSeal ? 1 : 0, nullptr) == 1,
          "EVP_CipherInit_ex2");
}

void Gcm::BeginSeal(GcmNonce nonce) {
  Require(EVP_EncryptInit_ex2(context_.get(), nullptr, nullptr, In(nonce), nullptr) == 1,
          "GCM nonce");
}

void Gcm::ContinueSeal(ByteView plaintext, std::span<std::byte> out) {
  int written = 0;
  Require(plaintext.empty() || EVP_EncryptUpdate(context_.get(), Out(out), &written, In(plaintext),
                                                 static_cast<int>(plaintext.size())) == 1,
          "GCM update");
}

void Gcm::EndSeal(std::span<std::byte, kGcmTagSize> tag) {
  int written = 0;
  Require(
      EVP_EncryptFinal_ex(context_.get(), Out(tag), &written) == 1 &&
          EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kGcmTagSize, tag.data()) == 1,
      "GCM tag");
}

void Gcm::Seal(GcmNonce nonce, ByteView aad, ByteView plaintext, std::span<std::byte> out) {
  int written = 0;
  BeginSeal(nonce);
  if (!aad.empty()) {
    Require(EVP_EncryptUpdate(context_.get(), nullptr, &written, In(aad),
                              static_cast<int>(aad.size())) == 1,
            "GCM aad");
  }
  ContinueSeal(plaintext, out);
  EndSeal(out.subspan(plaintext.size()).first<kGcmTagSize>());
}

bool Gcm::Open(GcmNonce nonce, ByteView aad, ByteView sealed, std::span<std::byte> out) {
  EVP_CIPHER_CTX* context = context_.get();
  const std::size_t size = sealed.size() - kGcmTagSize;
  const ByteView tag = sealed.subspan(size);
  int written = 0;
  Require(EVP_DecryptInit_ex2(context, nullptr, nullptr, In(nonce), nullptr) == 1, "GCM nonce");
  if (!aad.empty()) {
    Require(
        EVP_DecryptUpdate(context, nullptr, &written, In(aad), static_cast<int>(aad.size())) == 1,
        "GCM aad");
  }
  if (size > 0) {
    Require(EVP_DecryptUpdate(context, Out(out), &written, In(sealed), static_cast<int>(size)) == 1,
            "GCM update");
  }
  Require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kGcmTagSize,
                              const_cast<std::byte*>(tag.data())) == 1,
          "GCM tag");
  unsigned char nothing[kGcmTagSize];
  if (EVP_DecryptFinal_ex(context, nothing, &written) != 1) {
    Wipe(out.first(size));
    return false;
  }
  return true;
}

}  // namespace internal

Result<Bytes> Aes256GcmSeal(KeyView key, GcmNonce nonce, ByteView aad, PlaintextView plaintext) {
  if (plaintext.size() > INT_MAX || aad.size() > INT_MAX) {
    return Fail(ErrorCode::kTooLarge, "AES-GCM takes at most 2147483647 bytes at once");
  }
  Bytes sealed(plaintext.size() + kGcmTagSize);
  internal::Gcm gcm(key.RevealKey(), internal::Gcm::Direction::kSeal);
  gcm.Seal(nonce, aad, plaintext.RevealBytes(), sealed);
  return sealed;
}

Result<Plaintext> Aes256GcmOpen(KeyView key, GcmNonce nonce, ByteView aad, ByteView sealed) {
  if (sealed.size() < kGcmTagSize) {
    return Fail(ErrorCode::kIntegrityFailure, "sealed bytes are shorter than a tag");
  }
  if (sealed.size() - kGcmTagSize > INT_MAX || aad.size() > INT_MAX) {
    return Fail(ErrorCode::kTooLarge, "AES-GCM takes at most 2147483647 bytes at once");
  }
  Plaintext opened = Plaintext::Zeroed(sealed.size() - kGcmTagSize);
  internal::Gcm gcm(key.RevealKey(), internal::Gcm::Direction::kOpen);
  if (!gcm.Open(nonce, aad, sealed, opened.mutable_bytes())) {
    return Fail(ErrorCode::kIntegrityFailure, "sealed bytes do not verify");
  }
  return opened;
}

}  // namespace casemate::crypto
