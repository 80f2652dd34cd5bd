// Any bytes read as PDF give blocks that lie within a valid UTF-8 text, in order, or a refusal.
#include "parsed_document_check.h"

// fontconfig, which poppler asks for fonts that a document does not bring, frees nothing at the
// end.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  casemate::retrieval::CheckParse("pdf", data, size);
  return 0;
}
