// Even: an answer of NVIDIA's verifier service, or one token. Odd: a file of public keys.
#include <cstddef>
#include <cstdint>

#include "attestation/evidence.h"
#include "attestation/jwk.h"
#include "attestation/nvidia/token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  using namespace casemate::attestation;
  if (size == 0) {
    return 0;
  }
  const ByteView rest(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  if (data[0] % 2 == 1) {
    std::vector<std::string> warnings;
    (void)ReadKeys({.name = "f", .content = Bytes(rest.begin(), rest.end())}, warnings);
    return 0;
  }
  (void)nvidia::ParseToken(AsText(rest));
  Context context;
  context.time = 1'789'566'000;
  (void)ToJson(AppraiseFile("f", rest, context));
  return 0;
}
