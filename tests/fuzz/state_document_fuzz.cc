// The custodian's state document: what is read writes back to the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "custody/server/state_document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<custody::StateDocument> state = custody::ReadStateDocument(PlaintextView::Of(text));
  if (state && custody::WriteStateDocument(*state).view().Reveal() != text) {
    std::abort();
  }
  return 0;
}
