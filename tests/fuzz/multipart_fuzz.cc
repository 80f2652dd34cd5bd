// Any body under any content type is a list of parts or a refusal; parts lie in the body and within
// the limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/multipart.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // The first line is the content type.
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view body = text.substr(std::min(line + 1, text.size()));
  const auto parts = api::ParseMultipart(text.substr(0, line), PlaintextView::Of(body));
  if (!parts) {
    return 0;
  }
  if (parts->size() > api::kMaxFormParts) {
    std::abort();
  }
  for (const api::FormPart& part : *parts) {
    const std::string_view content = part.content.Reveal();
    const bool inside =
        content.empty() || (content.data() >= body.data() &&
                            content.data() + content.size() <= body.data() + body.size());
    if (!inside || part.name.empty() || part.name.size() > api::kMaxFieldNameBytes ||
        (part.filename && part.filename->size() > api::kMaxFilenameBytes)) {
      std::abort();
    }
  }
  return 0;
}
