// Captured frames, each behind two bytes of length: whatever they hold, sessions or counts come
// out.
#include <cstddef>
#include <cstdint>

#include "flows/capture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  ByteView rest(reinterpret_cast<const std::byte*>(data), size);
  if (rest.empty()) {
    return 0;
  }
  const auto link = std::to_integer<unsigned>(rest[0]) % 2 == 0 ? flows::LinkType::kEthernet
                                                                : flows::LinkType::kRaw;
  rest = rest.subspan(1);
  flows::Capture capture(link, [](flows::CapturedSession) {});
  std::int64_t time = 0;
  while (rest.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(GetU16(rest), rest.size() - 2);
    capture.Frame(rest.subspan(2, length), static_cast<std::uint32_t>(length), time += 1000);
    rest = rest.subspan(2 + length);
  }
  capture.End();
  return 0;
}
