// The custodian's state document: what is read is written in the newest form, which reads back and
// writes the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "custody/server/state_document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<custody::StateDocument> state = custody::ReadStateDocument(PlaintextView::Of(text));
  if (!state) {
    return 0;
  }
  const Plaintext written = custody::WriteStateDocument(*state);
  const Result<custody::StateDocument> again = custody::ReadStateDocument(written);
  if (!again || custody::WriteStateDocument(*again).view().Reveal() != written.view().Reveal()) {
    std::abort();
  }
  return 0;
}
