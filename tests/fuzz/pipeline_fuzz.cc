// Pipeline files: YAML and what it means.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "assess/catalogue.h"
#include "assess/pipeline.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate::assess;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const Catalogue catalogue = Catalogue::BuiltIn().value_or(Catalogue());
  if (const auto pipeline = Pipeline::Parse(text, "fuzz.yaml", catalogue)) {
    for (std::size_t i = 0; i < pipeline->elements().size(); ++i) {
      for (std::size_t field = 0; field < pipeline->element(i).facts.size(); ++field) {
        (void)pipeline->ValueText(i, field);
      }
    }
  }
  (void)Catalogue::FromTexts({{"fuzz.yaml", std::string(text)}});
  return 0;
}
