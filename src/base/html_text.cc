#include "base/html_text.h"

namespace casemate {

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string CutText(const std::string& text, std::size_t most) {
  std::size_t characters = 0;
  std::size_t end = 0;  // of all but the last that fits
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
      continue;  // within a character
    }
    if (++characters == most) {
      end = at;
    } else if (characters > most) {
      return text.substr(0, end) + "…";
    }
  }
  return text;
}

}  // namespace casemate
