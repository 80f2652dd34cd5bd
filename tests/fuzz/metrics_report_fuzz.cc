// A process that has been taken over reports numbers: whatever they are, the front adds up and
// writes what is well-formed, each sample on a line of its own.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "metrics/exposition.h"
#include "metrics/totals.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate::metrics;  // NOLINT: the whole file is one function
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  Totals totals;
  Gathered gathered;
  gathered.reports.push_back({.process = 1, .snapshot = casemate::Bytes(bytes, bytes + size)});
  for (int round = 0; round < 2; ++round) {
    for (const Format format : {Format::kText, Format::kOpenMetrics}) {
      const std::string text = Write(totals.Add(gathered), format);
      for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
        if (!text.substr(at).starts_with("# ") && !text.substr(at).starts_with("casemate_")) {
          std::abort();
        }
      }
    }
    gathered.reports.clear();  // it has ended
  }
  return 0;
}
