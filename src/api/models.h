#pragma once

#include <string_view>

#include "api/exchange.h"
#include "custody/messages.h"

namespace casemate::api {

// The tenant's model of that name. Errors: kNotFound, kInvalidArgument (it is for another task),
// both about "model". `task` empty: any.
[[nodiscard]] Result<custody::ModelEntry> FindModel(const Exchange& exchange, std::string_view name,
                                                    std::string_view task);

}  // namespace casemate::api
