// Evidence of unknown kind: whatever it is taken for is parsed and appraised.
#include <cstddef>
#include <cstdint>

#include "attestation/evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const ByteView all(reinterpret_cast<const std::byte*>(data), size);
  attestation::Context context;
  context.time = 1'700'000'000;
  (void)attestation::ToJson(attestation::AppraiseFile("f", all, context));
  return 0;
}
