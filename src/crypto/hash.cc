#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/params.h>
#include <sys/random.h>

#include <cerrno>

#include "crypto/openssl_internal.h"

namespace casemate::crypto {

using internal::In;
using internal::Out;
using internal::Require;

struct Sha256Stream::State {
  internal::DigestContext context{EVP_MD_CTX_new()};
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  Require(state_->context != nullptr &&
              EVP_DigestInit_ex2(state_->context.get(), internal::Sha256Algorithm(), nullptr) == 1,
          "EVP_DigestInit_ex2");
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::Update(ByteView part) {
  Require(EVP_DigestUpdate(state_->context.get(), part.data(), part.size()) == 1,
          "EVP_DigestUpdate");
}

Digest Sha256Stream::Finish() {
  Digest digest;
  Require(EVP_DigestFinal_ex(state_->context.get(), Out(digest), nullptr) == 1,
          "EVP_DigestFinal_ex");
  return digest;
}

Digest Sha256(ByteView data) { return Sha256(data, {}); }

Digest Sha256(ByteView a, ByteView b) {
  Sha256Stream stream;
  stream.Update(a);
  stream.Update(b);
  return stream.Finish();
}

Digest HmacSha256(KeyView key, ByteView data) {
  static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  const internal::MacContext context(EVP_MAC_CTX_new(hmac));
  char name[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                               OSSL_PARAM_construct_end()};
  Digest digest;
  std::size_t size = 0;
  const auto bytes = key.RevealKey();
  Require(context != nullptr && EVP_MAC_init(context.get(), In(bytes), bytes.size(), params) == 1 &&
              EVP_MAC_update(context.get(), In(data), data.size()) == 1 &&
              EVP_MAC_final(context.get(), Out(digest), &size, digest.size()) == 1,
          "HMAC");
  return digest;
}

bool EqualConstantTime(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void FillRandom(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    Require(got > 0, "getrandom");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace casemate::crypto
