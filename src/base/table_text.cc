#include "base/table_text.h"

namespace casemate {

std::string CsvField(std::string_view text) {
  // OWASP, "CSV Injection": a tab or a line break before the sign does not hide it either.
  constexpr std::string_view kFormula = "=+-@\t\r\n";
  std::string out = "\"";
  if (!text.empty() && kFormula.find(text[0]) != std::string_view::npos) {
    out += '\'';
  }
  for (const char c : text) {
    out += c;
    out += c == '"' ? "\"" : "";
  }
  return out + "\"";
}

std::string MarkdownCell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '<' || c == '`') {
      out += '\\';
    }
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

}  // namespace casemate
