// A tree head's note: what is read parses back to the same text, and no note of a stranger
// verifies.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "custody/server/tree_head.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;  // NOLINT(google-build-using-namespace)
  static const std::vector<crypto::SigningKey> keys = [] {
    std::vector<crypto::SigningKey> made;
    made.push_back(std::move(
        *crypto::SigningKey::FromSeed(crypto::SignatureAlgorithm::kEd25519, *Key::Random())));
    return made;
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const Result<custody::TreeHead> head = custody::ParseTreeHead(text);
      head && custody::WriteTreeHead(*head) != text) {
    std::abort();
  }
  (void)custody::ReadTreeHeadWithoutVerifying(AsBytes(text));
  if (custody::OpenTreeHead(AsBytes(text), keys).has_value()) {
    std::abort();
  }
  return 0;
}
