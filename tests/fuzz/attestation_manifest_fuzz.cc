// NVIDIA's reference manifests: XML and its signature.
#include <cstddef>
#include <cstdint>

#include "attestation/rim/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  (void)attestation::rim::ReadManifest(ByteView(reinterpret_cast<const std::byte*>(data), size));
  return 0;
}
