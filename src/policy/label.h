#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace casemate::policy {

// How confidential something is; ordered. The default list; a configurable one keeps these numbers.
enum class Label : std::uint8_t { kPublic = 0, kInternal = 1, kConfidential = 2, kSecret = 3 };
inline constexpr Label kLowestLabel = Label::kPublic;
inline constexpr Label kHighestLabel = Label::kSecret;

std::string_view LabelName(Label label);
// Errors: kInvalidArgument, naming the labels there are.
[[nodiscard]] Result<Label> ParseLabel(std::string_view name);
constexpr Label Highest(Label a, Label b) { return a < b ? b : a; }

}  // namespace casemate::policy
