// Any bytes are a model file's metadata or a refusal; reading them stays within the bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "inference/room/gguf_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const auto facts = inference::CheckGguf(ByteView(reinterpret_cast<const std::byte*>(data), size));
  if (facts && (facts->data_offset > size || facts->tensors == 0)) {
    std::abort();
  }
  return 0;
}
