// custody::OpenPin: custodian/pin.sealed, which whoever has the disk may have written.
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "custody/server/pin_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  casemate::Bytes file(size);
  for (std::size_t i = 0; i < size; ++i) {
    file[i] = static_cast<std::byte>(data[i]);
  }
  // Parameters that are in range may ask for much memory: that is not what is looked for here.
  if (file.size() >= 28 && (casemate::GetU32(file, 16) > 256 || casemate::GetU32(file, 20) > 2)) {
    file[16] = file[17] = file[18] = file[20] = file[21] = file[22] = std::byte{0};
    file[23] &= std::byte{1};
  }
  (void)casemate::custody::OpenPin(file, casemate::AsBytes("passphrase"));
  return 0;
}
