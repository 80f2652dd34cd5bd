#include "crypto/name_uuid.h"

#include <openssl/evp.h>

#include <array>

#include "base/bytes.h"
#include "crypto/openssl_internal.h"

namespace casemate::crypto {

std::string NameUuid(std::string_view name_space, std::string_view name) {
  std::string digits;
  for (const char c : name_space) {
    digits += c == '-' ? "" : std::string(1, c);
  }
  const Result<Bytes> prefix = FromHex(digits);
  internal::Require(prefix && prefix->size() == 16, "namespace of a UUID");
  Bytes input = *prefix;
  Put(input, AsBytes(name));
  std::array<std::byte, 20> digest{};
  internal::Require(EVP_Q_digest(nullptr, "SHA1", nullptr, input.data(), input.size(),
                                 reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1,
                    "EVP_Q_digest");
  digest[6] = (digest[6] & std::byte{0x0F}) | std::byte{0x50};  // version 5
  digest[8] = (digest[8] & std::byte{0x3F}) | std::byte{0x80};  // variant 10
  std::string text = ToHex(ByteView(digest).first(16));
  for (const std::size_t at : {8U, 13U, 18U, 23U}) {
    text.insert(at, 1, '-');
  }
  return text;
}

}  // namespace casemate::crypto
