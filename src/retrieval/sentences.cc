#include "retrieval/sentences.h"

#include <algorithm>

namespace casemate::retrieval {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

bool IsCloser(char c) { return c == '"' || c == '\'' || c == ')' || c == ']' || c == '}'; }

// U+3002, U+FF01, U+FF1F: 3 bytes each.
bool IsWideStop(std::string_view rest) {
  return rest.starts_with("\xE3\x80\x82") || rest.starts_with("\xEF\xBC\x81") ||
         rest.starts_with("\xEF\xBC\x9F");
}

// The end of the sentence that stops at `at`, or 0 if none does.
std::size_t StopAt(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (IsWideStop(text.substr(at))) {
    return at + 3;
  }
  if (c == '\n') {
    std::size_t next = at + 1;
    while (next < text.size() && (text[next] == ' ' || text[next] == '\t' || text[next] == '\r')) {
      ++next;
    }
    return next < text.size() && text[next] == '\n' ? next : 0;
  }
  if (c != '.' && c != '!' && c != '?') {
    return 0;
  }
  std::size_t end = at + 1;
  while (end < text.size() &&
         (IsCloser(text[end]) || text[end] == '.' || text[end] == '!' || text[end] == '?')) {
    ++end;
  }
  if (end == text.size()) {
    return end;
  }
  if (!IsSpace(text[end])) {
    return 0;
  }
  std::size_t next = end;
  while (next < text.size() && IsSpace(text[next])) {
    ++next;
  }
  // "e.g. this" goes on; "i.e. That" is cut, which costs nothing.
  return next < text.size() && text[next] >= 'a' && text[next] <= 'z' ? 0 : end;
}

}  // namespace

Span Trimmed(std::string_view text, Span span) {
  while (span.begin < span.end && IsSpace(text[span.begin])) {
    ++span.begin;
  }
  while (span.end > span.begin && IsSpace(text[span.end - 1])) {
    --span.end;
  }
  return span;
}

bool IsCharacterBoundary(std::string_view text, std::size_t at) {
  if (at >= text.size()) {
    return at == text.size();
  }
  return (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
}

std::vector<Span> Sentences(std::string_view text) {
  std::vector<Span> found;
  const auto add = [&](std::size_t begin, std::size_t end) {
    const Span span = Trimmed(text, {begin, end});
    if (span.begin < span.end) {
      found.push_back(span);
    }
  };
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = StopAt(text, at);
    if (end == 0) {
      ++at;
      continue;
    }
    add(begin, end);
    begin = end;
    at = std::max(end, at + 1);
  }
  add(begin, text.size());
  return found;
}

std::vector<Span> Lines(std::string_view text) {
  std::vector<Span> found;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    end = end == std::string_view::npos ? text.size() : end;
    std::size_t visible = end;
    while (visible > begin && IsSpace(text[visible - 1])) {
      --visible;
    }
    if (visible > begin) {
      found.push_back({begin, visible});
    }
    begin = end + 1;
  }
  return found;
}

std::vector<Span> CutEvenly(std::string_view text, std::size_t parts) {
  std::vector<Span> found;
  parts = std::max<std::size_t>(parts, 2);
  const std::size_t step = std::max<std::size_t>(text.size() / parts, 1);
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = std::min(begin + step, text.size());
    if (text.size() - end < step / 2) {
      end = text.size();
    }
    if (begin == 0 && end == text.size() && text.size() > 1) {
      end = (text.size() + 1) / 2;
    }
    if (end < text.size()) {
      // Back to the end of a word, if this piece has one; else on to the end of a character.
      std::size_t word = end;
      while (word > begin && !IsSpace(text[word])) {
        --word;
      }
      if (word > begin && Trimmed(text, {begin, word}).begin < word) {
        end = word;
      } else {
        while (!IsCharacterBoundary(text, end)) {
          ++end;
        }
      }
    }
    const Span span = Trimmed(text, {begin, end});
    if (span.begin < span.end) {
      found.push_back(span);
    }
    begin = end;
  }
  return found;
}

}  // namespace casemate::retrieval
