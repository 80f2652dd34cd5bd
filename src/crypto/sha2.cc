#include "crypto/sha2.h"

#include "crypto/openssl_internal.h"

namespace casemate::crypto {

Bytes Hash(HashAlgorithm algorithm, ByteView data) {
  const EVP_MD* digest = internal::DigestOf(algorithm);
  Bytes out(static_cast<std::size_t>(EVP_MD_get_size(digest)));
  internal::Require(EVP_Digest(internal::In(data), data.size(), internal::Out(out), nullptr, digest,
                               nullptr) == 1,
                    "EVP_Digest");
  return out;
}

}  // namespace casemate::crypto
