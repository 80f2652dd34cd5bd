// Any bytes read as csv give blocks that lie within a valid UTF-8 text, in order, or a refusal.
#include "parsed_document_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  casemate::retrieval::CheckParse("csv", data, size);
  return 0;
}
