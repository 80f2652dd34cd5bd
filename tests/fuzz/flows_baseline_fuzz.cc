// An earlier report, and a line of a list of endpoints.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "flows/report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string_view list : {"endpoints", "servers"}) {
    (void)flows::ReadBaseline(PlaintextView::Of(text), list).has_value();
  }
  if (Result<flows::Endpoint> endpoint = flows::ParseEndpoint(text)) {
    (void)endpoint->Text();
  }
  return 0;
}
