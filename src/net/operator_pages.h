#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace casemate::net {

// A page that the server answers by itself, beside the API.
struct OperatorPage {
  std::string content_type;
  std::string body;
};
// Nothing: no such page, ask the backend. Runs on a worker and may block.
using OperatorPages = std::function<std::optional<Result<OperatorPage>>(
    std::string_view method, std::string_view path, std::string_view accept)>;

}  // namespace casemate::net
