#pragma once

#include <string>
#include <string_view>

#include "assess/catalogue.h"
#include "assess/data.h"
#include "assess/pipeline.h"
#include "assess/result.h"

// For tests: the reference files as the program has them.
namespace casemate::assess {

inline std::string ExampleText(std::string_view name) {
  const auto files = DataFiles("examples/pipelines/" + std::string(name) + ".yaml");
  return files.empty() ? std::string() : std::string(files[0].text);
}

inline Result<Pipeline> ReadExample(std::string_view name) {
  return Pipeline::Parse(ExampleText(name), std::string(name) + ".yaml", Catalogue());
}

inline AssessOptions TestOptions(bool counterfactuals = false) {
  return {.today = "2026-11-22", .label = 0, .counterfactuals = counterfactuals};
}

}  // namespace casemate::assess
