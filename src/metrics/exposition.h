#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "metrics/metrics.h"

// What a scrape gets.
namespace casemate::metrics {

enum class Format : std::uint8_t {
  kText,         // Prometheus text format 0.0.4
  kOpenMetrics,  // OpenMetrics 1.0.0
};
// OpenMetrics when the Accept header asks for "application/openmetrics-text" with a weight that is
// not 0; else the text format.
Format FormatFor(std::string_view accept);
std::string_view ContentType(Format format);

// Families in the order given.
std::string Write(const std::vector<FamilySnapshot>& families, Format format);

}  // namespace casemate::metrics
