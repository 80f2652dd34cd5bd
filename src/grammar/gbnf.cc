#include "grammar/gbnf.h"

#include <algorithm>

#include "json/writer.h"

namespace casemate::grammar {
namespace {

constexpr CodeRange kSurrogates = {0xd800, 0xdfff};

// Any code point, in a form that means the same inside and outside of brackets.
std::string Escaped(char32_t code) {
  const bool plain =
      (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
  if (plain) {
    return {static_cast<char>(code)};
  }
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  const int digits = code <= 0xff ? 2 : code <= 0xffff ? 4 : 8;
  std::string text = digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    text += kDigits[(code >> shift) & 0xf];
  }
  return text;
}

// How JSON writes a code point that it cannot write as itself.
std::string JsonEscape(char32_t code) {
  switch (code) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default: {
      static constexpr std::string_view kDigits = "0123456789abcdef";
      return std::string("\\u00") + kDigits[(code >> 4) & 0xf] + kDigits[code & 0xf];
    }
  }
}

bool NeedsEscape(char32_t code) { return code < 0x20 || code == '"' || code == '\\'; }

}  // namespace

CodeSet Normalized(CodeSet set) {
  std::sort(set.begin(), set.end(),
            [](const CodeRange& a, const CodeRange& b) { return a.first < b.first; });
  CodeSet joined;
  for (const CodeRange& range : set) {
    if (!joined.empty() && range.first <= joined.back().last + 1) {
      joined.back().last = std::max(joined.back().last, range.last);
    } else {
      joined.push_back(range);
    }
  }
  CodeSet clean;
  for (const CodeRange& range : joined) {
    if (range.last < kSurrogates.first || range.first > kSurrogates.last) {
      clean.push_back(range);
      continue;
    }
    if (range.first < kSurrogates.first) {
      clean.push_back({range.first, kSurrogates.first - 1});
    }
    if (range.last > kSurrogates.last) {
      clean.push_back({kSurrogates.last + 1, range.last});
    }
  }
  return clean;
}

CodeSet Complement(const CodeSet& set) {
  CodeSet rest;
  char32_t next = 0;
  for (const CodeRange& range : set) {
    if (range.first > next) {
      rest.push_back({next, range.first - 1});
    }
    next = range.last + 1;
  }
  if (next <= kLastCode) {
    rest.push_back({next, kLastCode});
  }
  return Normalized(std::move(rest));
}

void WriteLiteral(Plaintext& out, PlaintextView text) {
  out.AppendLiteral("\"");
  const std::string_view bytes = text.Reveal();
  std::size_t from = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) {
      continue;
    }
    out.Append(text.Part(from, i - from));
    out.AppendLiteral(c == '"' ? "\\\"" : c == '\\' ? "\\\\" : Escaped(static_cast<char32_t>(c)));
    from = i + 1;
  }
  out.Append(text.Part(from));
  out.AppendLiteral("\"");
}

void WriteJsonString(Plaintext& out, PlaintextView text) {
  json::Writer writer;
  writer.Content(text);
  WriteLiteral(out, writer.Take());
}

void WriteClass(Plaintext& out, const CodeSet& set) {
  std::string text = "[";
  for (const CodeRange& range : set) {
    text += Escaped(range.first);
    if (range.last > range.first) {
      text += "-" + Escaped(range.last);
    }
  }
  text += "]";
  out.AppendLiteral(text);
}

void WriteJsonCharacters(Plaintext& out, const CodeSet& set) {
  CodeSet plain;
  std::vector<std::string> escapes;
  for (const CodeRange& range : set) {
    char32_t first = range.first;
    for (char32_t code = range.first; code <= std::min<char32_t>(range.last, '\\'); ++code) {
      if (!NeedsEscape(code)) {
        continue;
      }
      if (code > first) {
        plain.push_back({first, code - 1});
      }
      first = code + 1;
      escapes.push_back(JsonEscape(code));
    }
    if (first <= range.last) {
      plain.push_back({first, range.last});
    }
  }
  const bool several = escapes.size() + (plain.empty() ? 0 : 1) > 1;
  out.AppendLiteral(several ? "(" : "");
  if (!plain.empty()) {
    WriteClass(out, plain);
  }
  for (std::size_t i = 0; i < escapes.size(); ++i) {
    out.AppendLiteral(i > 0 || !plain.empty() ? " | " : "");
    WriteLiteral(out, PlaintextView::Of(escapes[i]));
  }
  out.AppendLiteral(several ? ")" : "");
}

std::string CountSuffix(std::uint32_t least, std::optional<std::uint32_t> most) {
  if (!most) {
    return least == 0 ? "*" : least == 1 ? "+" : "{" + std::to_string(least) + ",}";
  }
  if (least == *most) {
    return least == 1 ? "" : "{" + std::to_string(least) + "}";
  }
  if (least == 0 && *most == 1) {
    return "?";
  }
  return "{" + std::to_string(least) + "," + std::to_string(*most) + "}";
}

}  // namespace casemate::grammar
