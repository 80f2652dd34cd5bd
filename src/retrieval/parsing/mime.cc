#include "retrieval/parsing/mime.h"

#include <algorithm>
#include <optional>

#include "retrieval/parsing/charset.h"

namespace casemate::retrieval {
namespace {

constexpr std::size_t kMaxValueBytes = 256;
constexpr std::size_t kMaxParameters = 64;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string LowerCopy(std::string_view text) {
  std::string out(text.substr(0, kMaxValueBytes));
  std::ranges::transform(out, out.begin(), Lower);
  return out;
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && IsBlank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// The next line without its end, and cuts it off.
std::string_view TakeLine(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  c = Lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int Base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') {
    return c - 'A';
  }
  if (c >= 'a' && c <= 'z') {
    return c - 'a' + 26;
  }
  if (c >= '0' && c <= '9') {
    return c - '0' + 52;
  }
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// "=3D" with '=' or "%3D" with '%' at the start of `text`.
std::optional<char> EscapedByte(std::string_view text) {
  if (text.size() < 3 || HexDigit(text[1]) < 0 || HexDigit(text[2]) < 0) {
    return std::nullopt;
  }
  return static_cast<char>(HexDigit(text[1]) * 16 + HexDigit(text[2]));
}

void AppendByte(Plaintext& out, char byte) {
  out.Append(PlaintextView::Of(std::string_view(&byte, 1)));
}

// "charset'language'text%20more" (RFC 2231, section 4).
Plaintext DecodeExtended(PlaintextView joined) {
  const std::string_view text = joined.Reveal();
  const std::size_t first = text.find('\'');
  const std::size_t second = first == text.npos ? text.npos : text.find('\'', first + 1);
  if (second == text.npos) {
    return Plaintext::Copy(joined);
  }
  Plaintext bytes;
  for (std::size_t i = second + 1; i < text.size(); ++i) {
    const std::optional<char> escaped = text[i] == '%' ? EscapedByte(text.substr(i)) : std::nullopt;
    AppendByte(bytes, escaped.value_or(text[i]));
    i += escaped ? 2 : 0;
  }
  return ToUtf8(bytes, text.substr(0, first));
}

// A parameter's value at the start of `rest`, quoted or not; cut off with the ';' after it.
Plaintext TakeParameterValue(std::string_view& rest) {
  Plaintext value;
  if (rest.starts_with('"')) {
    std::size_t i = 1;
    for (; i < rest.size() && rest[i] != '"'; ++i) {
      i += rest[i] == '\\' && i + 1 < rest.size() ? 1 : 0;
      if (rest[i] != '\r' && rest[i] != '\n') {
        AppendByte(value, rest[i]);
      }
    }
    rest.remove_prefix(std::min(i + 1, rest.size()));
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
  } else {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    value = Plaintext::Copy(Trim(rest.substr(0, end)));
    rest.remove_prefix(end);
  }
  rest.remove_prefix(rest.empty() ? 0 : 1);
  return value;
}

// Joins "name*0*", "name*1" ... in the order in which they stand, and decodes "name*".
void JoinExtended(std::vector<MailValue::Parameter>& parameters) {
  std::vector<MailValue::Parameter> out;
  std::vector<bool> extended;
  for (MailValue::Parameter& parameter : parameters) {
    const std::size_t star = parameter.name.find('*');
    const bool encoded = star != std::string::npos && parameter.name.ends_with('*');
    const std::string name = parameter.name.substr(0, star);
    const auto same = std::ranges::find_if(out, [&](const auto& p) { return p.name == name; });
    if (star != std::string::npos && same != out.end() && parameter.name.size() > star + 1) {
      same->value.Append(parameter.value);
      continue;
    }
    out.push_back({name, std::move(parameter.value)});
    extended.push_back(encoded);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (extended[i]) {
      out[i].value = DecodeExtended(out[i].value);
    }
  }
  parameters = std::move(out);
}

// "=?charset?B?text?=" at the start of `text`: its decoded form and its length there.
struct EncodedWord {
  Plaintext text;
  std::size_t size = 0;
};
std::optional<EncodedWord> ReadEncodedWord(std::string_view text) {
  if (!text.starts_with("=?")) {
    return std::nullopt;
  }
  const std::size_t charset_end = text.find('?', 2);
  if (charset_end == text.npos || charset_end + 2 >= text.size() || text[charset_end + 2] != '?') {
    return std::nullopt;
  }
  const std::size_t end = text.find("?=", charset_end + 3);
  if (end == text.npos || end > kMaxHeaderBytes) {
    return std::nullopt;
  }
  std::string_view charset = text.substr(2, charset_end - 2);
  charset = charset.substr(0, charset.find('*'));  // RFC 2231: a language may follow
  const std::string_view body = text.substr(charset_end + 3, end - charset_end - 3);
  const char kind = Lower(text[charset_end + 1]);
  if (kind != 'b' && kind != 'q') {
    return std::nullopt;
  }
  const Plaintext bytes = kind == 'b' ? DecodeBase64(body) : DecodeQuotedPrintable(body, true);
  return EncodedWord{ToUtf8(bytes, charset), end + 2};
}

}  // namespace

bool EqualsIgnoringCase(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return Lower(x) == y; });
}

std::string_view MailPart::Field(std::string_view lower) const {
  for (const MailField& field : fields) {
    if (EqualsIgnoringCase(field.name, lower)) {
      return field.value;
    }
  }
  return {};
}

PlaintextView MailValue::Get(std::string_view name) const {
  for (const Parameter& parameter : parameters) {
    if (parameter.name == name) {
      return parameter.value;
    }
  }
  return {};
}

Result<MailPart> SplitPart(std::string_view bytes) {
  MailPart part;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const std::string_view before = rest;
    const std::string_view line = TakeLine(rest);
    if (line.empty()) {
      break;
    }
    if (part.fields.size() >= kMaxFields || bytes.size() - rest.size() > kMaxHeaderBytes) {
      return Fail(ErrorCode::kTooLarge, "a mail header of more than " + std::to_string(kMaxFields) +
                                            " fields or " + std::to_string(kMaxHeaderBytes) +
                                            " bytes");
    }
    const std::size_t colon = line.find(':');
    if ((line[0] == ' ' || line[0] == '\t') && !part.fields.empty()) {
      std::string_view& value = part.fields.back().value;
      value = {value.data(), static_cast<std::size_t>(line.data() + line.size() - value.data())};
    } else if (colon != line.npos) {
      part.fields.push_back({Trim(line.substr(0, colon)), line.substr(colon + 1)});
    } else if (part.fields.empty()) {
      rest = before;  // no header at all
      break;
    }
  }
  part.body = rest;
  return part;
}

MailValue ParseMailValue(std::string_view field) {
  MailValue out;
  std::string_view rest = field;
  const std::size_t end = std::min(rest.find(';'), rest.size());
  out.value = LowerCopy(Trim(rest.substr(0, end)));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  while (!rest.empty() && out.parameters.size() < kMaxParameters) {
    const std::size_t equals = rest.find('=');
    const std::size_t semicolon = rest.find(';');
    if (semicolon < equals) {
      rest.remove_prefix(semicolon + 1);
      continue;
    }
    if (equals == rest.npos) {
      break;
    }
    std::string name = LowerCopy(Trim(rest.substr(0, equals)));
    rest = rest.substr(equals + 1);
    while (!rest.empty() && IsBlank(rest.front())) {
      rest.remove_prefix(1);
    }
    out.parameters.push_back({std::move(name), TakeParameterValue(rest)});
  }
  JoinExtended(out.parameters);
  return out;
}

Result<std::vector<std::string_view>> SplitMultipart(std::string_view body,
                                                     std::string_view boundary, std::size_t most) {
  std::vector<std::string_view> parts;
  if (boundary.empty()) {
    return parts;
  }
  std::string_view rest = body;
  const char* begin = nullptr;  // of the open part
  const auto close = [&](std::string_view up_to) {
    if (begin != nullptr) {
      // The line end before a boundary belongs to the boundary (RFC 2046, section 5.1.1).
      std::string_view part(begin, static_cast<std::size_t>(up_to.data() - begin));
      if (part.ends_with('\n')) {
        part.remove_suffix(1);
      }
      parts.push_back(part);
    }
  };
  while (!rest.empty()) {
    const std::string_view before = rest;
    std::string_view line = TakeLine(rest);
    if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) {
      continue;
    }
    const std::string_view tail = Trim(line.substr(2 + boundary.size()));
    if (!tail.empty() && tail != "--") {
      continue;  // another boundary that begins alike
    }
    close(before);
    if (parts.size() > most) {
      return Fail(ErrorCode::kTooLarge,
                  "the message has more than " + std::to_string(most) + " parts");
    }
    begin = tail == "--" ? nullptr : rest.data();
    if (tail == "--") {
      return parts;
    }
  }
  close(body.substr(body.size()));
  return parts;
}

Plaintext DecodeBase64(std::string_view text) {
  Plaintext out;
  out.Reserve(text.size() / 4 * 3 + 3);
  unsigned held = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') {
      break;
    }
    const int digit = Base64Digit(c);
    if (digit < 0) {
      continue;
    }
    held = (held << 6U | static_cast<unsigned>(digit)) & 0xFFFFU;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      AppendByte(out, static_cast<char>(held >> static_cast<unsigned>(bits) & 0xFFU));
    }
  }
  return out;
}

Plaintext DecodeQuotedPrintable(std::string_view text, bool words) {
  Plaintext out;
  out.Reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (words && text[i] == '_') {
      out.AppendLiteral(" ");
      continue;
    }
    if (text[i] != '=') {
      AppendByte(out, text[i]);
      continue;
    }
    if (const std::optional<char> byte = EscapedByte(text.substr(i)); byte) {
      AppendByte(out, *byte);
      i += 2;
      continue;
    }
    // A soft line break: '=' and blanks to the end of the line.
    std::size_t end = i + 1;
    while (end < text.size() && (text[end] == ' ' || text[end] == '\t' || text[end] == '\r')) {
      ++end;
    }
    if (end == text.size() || text[end] == '\n') {
      i = end;
    } else {
      out.AppendLiteral("=");
    }
  }
  return out;
}

Plaintext DecodeFieldText(std::string_view field) {
  const std::string_view text = Trim(field);
  Plaintext raw;  // what stands between encoded words, of whatever charset
  Plaintext out;
  bool after_word = false;
  const auto flush = [&] {
    // White space alone between two encoded words is not shown (RFC 2047, section 6.2).
    out.Append(ToUtf8(raw, "utf-8"));
    raw.Clear();
  };
  for (std::size_t i = 0; i < text.size();) {
    if (std::optional<EncodedWord> word = ReadEncodedWord(text.substr(i)); word) {
      if (after_word && Trim(raw.view().Reveal()).empty()) {
        raw.Clear();
      }
      flush();
      out.Append(word->text);
      i += word->size;
      after_word = true;
      continue;
    }
    if (text[i] == '\r' || text[i] == '\n') {
      ++i;
      continue;
    }
    if (!IsBlank(text[i])) {
      after_word = false;
    }
    AppendByte(raw, text[i]);
    ++i;
  }
  flush();
  return out;
}

}  // namespace casemate::retrieval
