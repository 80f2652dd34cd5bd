#pragma once

#include <string>
#include <string_view>

// Text in pages and pictures that are written by hand.
namespace casemate {

// For text and for attributes in double quotes.
std::string EscapeHtml(std::string_view text);
// At most `most` characters of UTF-8, the last an ellipsis where some were left out.
std::string CutText(const std::string& text, std::size_t most);

}  // namespace casemate
