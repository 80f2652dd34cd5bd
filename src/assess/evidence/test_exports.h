#pragma once

#include <string>

#include "assess/evidence/export.h"
#include "base/file.h"

// For tests: the samples of tests/data/assess.
namespace casemate::assess {

inline std::string SampleText(const std::string& name) {
  const Result<Bytes> bytes =
      ReadFile(std::string(CASEMATE_SOURCE_DIR) + "/tests/data/assess/" + name, 1 << 20);
  return bytes ? std::string(AsText(*bytes)) : std::string();
}

inline Result<Export> ReadSample(const std::string& name) {
  return ReadExport(SampleText(name), name, "2026-11-21");
}

}  // namespace casemate::assess
