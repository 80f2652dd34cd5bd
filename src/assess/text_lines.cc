#include "assess/text_lines.h"

#include <algorithm>

namespace casemate::assess {

std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::vector<std::string> Wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines = {""};
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!lines.back().empty() && Width(lines.back()) + 1 + Width(word) > width) {
      lines.emplace_back();
    }
    lines.back() += (lines.back().empty() ? "" : " ") + std::string(word);
  }
  return lines;
}

void Indented(std::string& out, std::string_view first, std::string_view text, std::size_t width) {
  const std::size_t indent = Width(first);
  bool is_first = true;
  for (const std::string& line : Wrapped(text, width > indent + 20 ? width - indent : width)) {
    out += is_first ? std::string(first) : std::string(indent, ' ');
    out += line + "\n";
    is_first = false;
  }
}

}  // namespace casemate::assess
