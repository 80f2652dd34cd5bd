#pragma once

#include <string_view>

namespace casemate::net {

inline constexpr std::string_view kOtherRoute = "other";

// The shape of a path for counting: "/v1/files/{id}/content". One of a fixed list, a literal that
// lives for ever; kOtherRoute for any path that the list does not hold, so that nothing of what a
// client sent reaches a log or a metric.
std::string_view RouteTemplate(std::string_view path);

}  // namespace casemate::net
