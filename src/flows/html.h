#pragma once

#include <string>
#include <string_view>

// Pages that stand alone: no script, no font, no picture from elsewhere, and a policy that says so.
namespace casemate::flows {

// For text and for attributes in double quotes.
std::string EscapeHtml(std::string_view text);
// At most `most` characters of UTF-8, the last an ellipsis where some were left out.
std::string CutText(const std::string& text, std::size_t most);
// Up to and with <body>. `title` is escaped here.
std::string BeginPage(std::string_view title);
std::string EndPage();

}  // namespace casemate::flows
