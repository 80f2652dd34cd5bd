#pragma once

#include <string>

#include "flows/capture_report.h"

// What `flows capture` says on a terminal, and whether a gate holds.
namespace casemate::app {

// Tables of sessions and servers, and the totals: to standard output.
void PrintReport(const flows::CaptureReport& report);
// How much was read, how fast (of files), and what was not seen: to standard error.
void PrintReading(const flows::CaptureReport& report, bool live);
// `require`: "hybrid" (every session), or a verdict (every server). What could not be seen does not
// count as good.
bool Meets(const std::string& require, const flows::CaptureReport& report);

}  // namespace casemate::app
