// Any bytes read as email give blocks that lie within a valid UTF-8 text, in order, or a refusal.
#include "parsed_document_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  casemate::retrieval::CheckParse("email", data, size);
  return 0;
}
