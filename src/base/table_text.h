#pragma once

#include <string>
#include <string_view>

// Fields of tables that are written by hand, with text that others chose.
namespace casemate {

// RFC 4180: in quotes, its own doubled. A text that a spreadsheet would take for a formula begins
// with an apostrophe.
std::string CsvField(std::string_view text);
// A cell of a Markdown table: what would end it or be markup is escaped, a line break is a space.
std::string MarkdownCell(std::string_view text);

}  // namespace casemate
