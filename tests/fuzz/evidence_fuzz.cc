// Exports of vendors' tools, and what they do to a description.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "assess/catalogue.h"
#include "assess/evidence/apply.h"
#include "assess/language.h"
#include "assess/report_contradictions.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate::assess;
  static const Pipeline pipeline = [] {
    const auto catalogue = Catalogue::BuiltIn();
    return Pipeline::Parse(
               "casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: acme\n"
               "use: [azure-openai-cmk, google-vertex-ekm-kaj, aws-bedrock-xks, openai-api]\n"
               "parties: {acme: {seat: DE}}\ntees: {box: {type: sev-snp}}\n",
               "p.yaml", catalogue.value_or(Catalogue()))
        .value_or(Pipeline());
  }();
  static const Language language = Language::BuiltIn("en").value();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto content = ReadExport(text, "fuzz.json", "2026-11-22")) {
    Pipeline copy = pipeline;
    if (const auto applied = ApplyEvidence(copy, {{*content, ""}})) {
      for (const Contradiction& one : applied->contradictions) {
        (void)ContradictionText(language, one);
      }
    }
  }
  return 0;
}
