#include "retrieval/format.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace casemate::retrieval {
namespace {

constexpr std::size_t kSniffBytes = 8192;

struct Magic {
  std::string_view bytes;
  std::string_view name;
};
constexpr std::array<Magic, 10> kBinary = {{{"%PDF-", "PDF"},
                                            {"PK\x03\x04", "ZIP, DOCX or EPUB"},
                                            {"\x7f"
                                             "ELF",
                                             "ELF"},
                                            {"\x89PNG", "PNG"},
                                            {"\xff\xd8\xff", "JPEG"},
                                            {"GIF8", "GIF"},
                                            {"\x1f\x8b", "gzip"},
                                            {"{\\rtf", "RTF"},
                                            {"\xd0\xcf\x11\xe0", "an old Office document"},
                                            {"SQLite format 3", "SQLite"}}};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool StartsWithLower(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::ranges::equal(text.substr(0, lower.size()), lower,
                            [](char a, char b) { return Lower(a) == b; });
}

bool EndsWithLower(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         StartsWithLower(text.substr(text.size() - lower.size()), lower);
}

bool IsHtml(std::string_view head) {
  while (!head.empty() && (head.front() == ' ' || head.front() == '\n' || head.front() == '\r' ||
                           head.front() == '\t')) {
    head.remove_prefix(1);
  }
  if (StartsWithLower(head, "<?xml")) {
    const std::size_t end = head.find("?>");
    return end != std::string_view::npos && IsHtml(head.substr(end + 2));
  }
  return StartsWithLower(head, "<!doctype html") || StartsWithLower(head, "<html");
}

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\x1b';
}

}  // namespace

Result<std::string> DetectFormat(PlaintextView name, PlaintextView content) {
  std::string_view head = content.Part(0, kSniffBytes).Reveal();
  if (head.starts_with("\xEF\xBB\xBF")) {
    head.remove_prefix(3);
  }
  if (head.find_first_not_of(" \t\r\n\f") == std::string_view::npos &&
      content.size() <= kSniffBytes) {
    return Fail(ErrorCode::kInvalidArgument, "empty file: expected text, Markdown or HTML");
  }
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) {
    return Fail(ErrorCode::kInvalidArgument,
                "UTF-16 text: expected UTF-8; convert it and send it again");
  }
  for (const Magic& magic : kBinary) {
    if (head.starts_with(magic.bytes)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "binary file (" + std::string(magic.name) + "): expected text, Markdown or HTML");
    }
  }
  if (std::ranges::any_of(head, IsControl)) {
    return Fail(ErrorCode::kInvalidArgument, "binary file: expected text, Markdown or HTML");
  }
  const std::string_view file = name.Reveal();
  if (IsHtml(head) || EndsWithLower(file, ".html") || EndsWithLower(file, ".htm") ||
      EndsWithLower(file, ".xhtml")) {
    return "html";
  }
  if (EndsWithLower(file, ".md") || EndsWithLower(file, ".markdown")) {
    return "markdown";
  }
  return "text";
}

}  // namespace casemate::retrieval
