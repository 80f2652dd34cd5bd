// Any JSON is a chat request within its ranges, or a refusal that names a field.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/chat_request.h"
#include "json/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<json::Document> document = json::Document::Parse(PlaintextView::Of(text));
  if (!document) {
    return 0;
  }
  const Result<api::ChatRequest> request = api::ParseChatRequest(document->root());
  if (!request) {
    return 0;
  }
  const inference::Generate& generate = request->generate;
  if (generate.messages.empty() || generate.messages.size() > api::kMaxMessages ||
      generate.stop.size() > 4 || !(generate.temperature >= 0 && generate.temperature <= 2) ||
      !(generate.top_p > 0 && generate.top_p <= 1)) {
    std::abort();
  }
  return 0;
}
