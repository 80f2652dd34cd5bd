// Any JSON is a responses request within its ranges, or a refusal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/response_request.h"
#include "api/search.h"
#include "json/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<json::Document> document = json::Document::Parse(PlaintextView::Of(text));
  if (!document) {
    return 0;
  }
  (void)api::ParseSearchRequest(document->root());
  const Result<api::ResponseRequest> request = api::ParseResponseRequest(document->root());
  if (!request) {
    return 0;
  }
  if (request->input.empty() || request->input.size() > api::kMaxInputItems) {
    std::abort();
  }
  if (request->file_search &&
      (request->file_search->collections.empty() ||
       request->file_search->max_num_results.value_or(1) > api::kMaxSearchResults)) {
    std::abort();
  }
  return 0;
}
