#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace casemate::assess {

// Turns a model of another tool into a description: Threagile YAML (technical_assets) or an OWASP
// threat model (TM-BOM, JSON: components, data_stores, data_flows). What their words say is carried
// over with confidence `claimed`; what they cannot say (keys, who controls whom, TEEs, retention)
// is left out, counts as unknown, and is listed in a comment at the top. The result is a text that
// Pipeline::Parse reads. `file` stands in it as the source.
//
// Errors: kInvalidArgument with FILE:LINE:COLUMN: neither of the two, or without anything to
// import.
[[nodiscard]] Result<std::string> ImportModel(std::string_view text, const std::string& file);

}  // namespace casemate::assess
