// What an SSH peer says before keys are agreed on.
#include <cstddef>
#include <cstdint>

#include "flows/verdict.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const ByteView all(reinterpret_cast<const std::byte*>(data), size);
  flows::SshReader reader;
  if (const auto offer = reader.Feed(all); offer && *offer) {
    (void)flows::Judge(**offer);
  }
  (void)flows::ParseKexInit(all);
  return 0;
}
