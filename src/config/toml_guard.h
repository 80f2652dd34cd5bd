#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace casemate::config {

// The first line that begins with '[' but cannot be a section's name, counted from 1. toml++ 3.4
// asserts such a character instead of refusing it (`[#a]`), and without assertions it is undefined.
// The files that are read here have no values over several lines that begin so.
inline std::optional<std::uint32_t> BadSectionLine(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  std::uint32_t line = 0;
  while (!text.empty()) {
    ++line;
    std::string_view here = text.substr(0, text.find('\n'));
    text.remove_prefix(here.size() < text.size() ? here.size() + 1 : here.size());
    here.remove_prefix(std::min(here.find_first_not_of(kBlank), here.size()));
    if (!here.starts_with('[')) {
      continue;
    }
    here.remove_prefix(here.starts_with("[[") ? 2 : 1);
    here.remove_prefix(std::min(here.find_first_not_of(kBlank), here.size()));
    const char first = here.empty() ? '\n' : here.front();
    const bool good = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
                      (first >= '0' && first <= '9') ||
                      std::string_view("_-\"']").find(first) != std::string_view::npos;
    if (!good) {
      return line;
    }
  }
  return std::nullopt;
}

}  // namespace casemate::config
