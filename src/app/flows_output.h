#pragma once

#include <map>
#include <string>

#include "app/exit_status.h"
#include "base/error.h"
#include "flows/report.h"

// What `flows probe` and `flows capture` share.
namespace casemate::app {

// RFC 9562, version 4.
std::string RandomUuid();
// The context of a report that is written now.
flows::ReportContext ReportNow(const std::string& subject);
// What --format, --json and --cbom ask for together. kInvalidArgument: no such form.
[[nodiscard]] Result<flows::ReportFormat> FormatOf(const std::string& format, bool json,
                                                   const std::string& cbom);
// What was typed cannot be meant: printed, and the status that an unknown option has.
ExitStatus UsageError(const Error& error);
// `list`: as flows::ReadBaseline. Errors: of reading; kInvalidArgument: no such report.
[[nodiscard]] Result<std::map<std::string, flows::BaselineEntry>> ReadBaselineFile(
    const std::string& path, std::string_view list);

}  // namespace casemate::app
