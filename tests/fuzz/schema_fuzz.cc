// Any JSON is a schema that becomes a grammar within its limits, or a refusal that begins with the
// pointer of a place.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/builder.h"
#include "json/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<json::Document> document = json::Document::Parse(PlaintextView::Of(text));
  if (!document) {
    return 0;
  }
  const Result<Plaintext> grammar = grammar::SchemaGrammar(document->root());
  const bool held = grammar ? grammar->size() <= grammar::kMaxGrammarBytes &&
                                  grammar->view().Reveal().starts_with("root ::= ")
                            : grammar.error().message.starts_with("#") ||
                                  grammar.error().message.starts_with("the grammar comes to");
  if (!held) {
    std::abort();
  }
  return 0;
}
