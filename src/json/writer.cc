#include "json/writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace casemate::json {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// A mistake of ours in the order of calls: there is no JSON to write then.
void Expect(bool holds) {
  if (!holds) {
    std::abort();
  }
}

struct Sequence {
  std::size_t bytes;  // to go on by, at least 1
  bool valid;
};

// The UTF-8 sequence at `at` (The Unicode Standard, table 3-7). An invalid one is as long as its
// part that could have begun a valid one, so that each is replaced by one U+FFFD, as the standard
// recommends.
Sequence NextSequence(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const unsigned lead = byte(0);
  unsigned low = 0x80;
  unsigned high = 0xbf;
  std::size_t size = 0;
  if (lead < 0x80) {
    return {.bytes = 1, .valid = true};
  }
  if (lead >= 0xc2 && lead <= 0xdf) {
    size = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    size = 3;
    low = lead == 0xe0 ? 0xa0 : low;
    high = lead == 0xed ? 0x9f : high;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    size = 4;
    low = lead == 0xf0 ? 0x90 : low;
    high = lead == 0xf4 ? 0x8f : high;
  } else {
    return {.bytes = 1, .valid = false};
  }
  for (std::size_t i = 1; i < size; ++i) {
    if (byte(i) < low || byte(i) > high) {
      return {.bytes = i, .valid = false};
    }
    low = 0x80;
    high = 0xbf;
  }
  return {.bytes = size, .valid = true};
}

void AppendEscape(Plaintext& out, char c) {
  switch (c) {
    case '"':
      return out.AppendLiteral("\\\"");
    case '\\':
      return out.AppendLiteral("\\\\");
    case '\b':
      return out.AppendLiteral("\\b");
    case '\f':
      return out.AppendLiteral("\\f");
    case '\n':
      return out.AppendLiteral("\\n");
    case '\r':
      return out.AppendLiteral("\\r");
    case '\t':
      return out.AppendLiteral("\\t");
    default: {
      constexpr std::string_view kHex = "0123456789abcdef";
      const auto value = static_cast<unsigned char>(c);
      const char escape[] = {'\\', 'u', '0', '0', kHex[value >> 4], kHex[value & 0xf]};
      out.AppendLiteral({escape, sizeof(escape)});
    }
  }
}

// Runs that need no change go over in one piece.
void AppendString(Plaintext& out, std::string_view text) {
  out.AppendLiteral("\"");
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    const bool escape = c < 0x20 || c == '"' || c == '\\';
    const Sequence next = NextSequence(text, at);
    if (escape || !next.valid) {
      out.Append(PlaintextView::Of(text.substr(begin, at - begin)));
      if (escape) {
        AppendEscape(out, text[at]);
      } else {
        out.AppendLiteral(kReplacement);
      }
      begin = at + next.bytes;
    }
    at += next.bytes;
  }
  out.Append(PlaintextView::Of(text.substr(begin)));
  out.AppendLiteral("\"");
}

template <typename Number>
void AppendNumber(Plaintext& out, Number value) {
  std::array<char, 32> text;  // 24 are needed for any double
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  Expect(error == std::errc());
  out.AppendLiteral({text.data(), end});
}

}  // namespace

void Writer::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (first_.empty()) {
    Expect(out_.empty());  // one value at the top
    return;
  }
  if (!first_.back()) {
    out_.AppendLiteral(",");
  }
  first_.back() = false;
}

Writer& Writer::BeginObject() {
  Separate();
  out_.AppendLiteral("{");
  first_.push_back(true);
  return *this;
}

Writer& Writer::EndObject() {
  Expect(!first_.empty() && !after_key_);
  first_.pop_back();
  out_.AppendLiteral("}");
  return *this;
}

Writer& Writer::BeginArray() {
  Separate();
  out_.AppendLiteral("[");
  first_.push_back(true);
  return *this;
}

Writer& Writer::EndArray() {
  Expect(!first_.empty() && !after_key_);
  first_.pop_back();
  out_.AppendLiteral("]");
  return *this;
}

Writer& Writer::Key(std::string_view name) {
  Expect(!first_.empty() && !after_key_);
  Separate();
  AppendString(out_, name);
  out_.AppendLiteral(":");
  after_key_ = true;
  return *this;
}

Writer& Writer::String(std::string_view text) {
  Separate();
  AppendString(out_, text);
  return *this;
}

Writer& Writer::Content(PlaintextView text) {
  Separate();
  AppendString(out_, text.Reveal());
  return *this;
}

Writer& Writer::Integer(std::int64_t value) {
  Separate();
  AppendNumber(out_, value);
  return *this;
}

Writer& Writer::Number(double value) {
  if (!std::isfinite(value)) {
    return Null();
  }
  Separate();
  AppendNumber(out_, value);
  if (value == 0 && std::signbit(value)) {
    out_.AppendLiteral(".0");  // "-0" would read back as the integer 0
  }
  return *this;
}

Writer& Writer::Bool(bool value) {
  Separate();
  out_.AppendLiteral(value ? "true" : "false");
  return *this;
}

Writer& Writer::Null() {
  Separate();
  out_.AppendLiteral("null");
  return *this;
}

Writer& Writer::Raw(PlaintextView json) {
  Separate();
  out_.Append(json);
  return *this;
}

Plaintext Writer::Take() {
  Expect(first_.empty() && !after_key_);
  return std::exchange(out_, Plaintext());
}

}  // namespace casemate::json
