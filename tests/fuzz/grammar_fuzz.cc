// Any bytes are a grammar or a refusal that names a place and quotes nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "inference/room/grammar_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const auto checked = inference::CheckGrammar(
      PlaintextView::Of(std::string_view(reinterpret_cast<const char*>(data), size)));
  if (!checked && (checked.error().param != "grammar" || checked.error().message.empty())) {
    std::abort();
  }
  return 0;
}
