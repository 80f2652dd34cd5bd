#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Text for a terminal.
namespace casemate::assess {

// Columns that a text takes: its code points.
std::size_t Width(std::string_view text);
// Lines of at most `width`, broken at spaces; a longer word stands alone. At least one line.
std::vector<std::string> Wrapped(std::string_view text, std::size_t width);
// Adds `first` and the text in lines of at most `width`, the others as far in as the first.
void Indented(std::string& out, std::string_view first, std::string_view text, std::size_t width);

}  // namespace casemate::assess
