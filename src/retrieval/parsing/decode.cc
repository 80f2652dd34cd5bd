#include "retrieval/parsing/decode.h"

#include <array>

namespace casemate::retrieval {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// windows-1252, 0x80 to 0x9F (WHATWG Encoding Standard, index-windows-1252).
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

unsigned char At(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::optional<Utf8Character> character = ReadUtf8(text);
    if (!character) {
      return false;
    }
    text.remove_prefix(character->size);
  }
  return true;
}

Plaintext FromUtf16(std::string_view text, bool big_endian) {
  Plaintext out;
  out.Reserve(text.size() * 3 / 2 + 4);
  const auto unit = [&](std::size_t i) {
    const unsigned first = At(text, i);
    const unsigned second = At(text, i + 1);
    return static_cast<char32_t>(big_endian ? first << 8U | second : second << 8U | first);
  };
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    char32_t code = unit(i);
    if (code >= 0xD800 && code <= 0xDFFF) {
      const char32_t low = code <= 0xDBFF && i + 3 < text.size() ? unit(i + 2) : 0;
      if (low >= 0xDC00 && low <= 0xDFFF) {
        code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
        i += 2;
      } else {
        code = kReplacement;
      }
    }
    AppendUtf8(out, code);
  }
  return out;
}

Plaintext FromWindows1252(std::string_view text) {
  Plaintext out;
  out.Reserve(text.size() + text.size() / 4 + 4);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char byte = At(text, i);
    AppendUtf8(out, byte >= 0x80 && byte <= 0x9F ? kWindows1252[byte - 0x80U] : byte);
  }
  return out;
}

bool IsControl(unsigned char byte) { return byte < 0x20 || byte == 0x7F; }
bool IsSpacing(unsigned char byte) {
  return byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f' || byte == '\v';
}

// Line ends become "\n", other control characters go.
Plaintext Tidy(std::string_view text) {
  Plaintext out;
  out.Reserve(text.size());
  std::size_t run = 0;  // start of what is copied as it is
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char byte = At(text, i);
    if (!IsControl(byte) || byte == '\t' || byte == '\n') {
      continue;
    }
    out.Append(PlaintextView::Of(text.substr(run, i - run)));
    if (byte == '\f' || byte == '\v' ||
        (byte == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'))) {
      out.AppendLiteral("\n");
    }
    run = i + 1;
  }
  out.Append(PlaintextView::Of(text.substr(run)));
  return out;
}

Result<void> RefuseBinary(std::string_view text) {
  std::size_t control = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char byte = At(text, i);
    if (byte == 0) {
      return Fail(ErrorCode::kInvalidArgument, "binary file");
    }
    control += IsControl(byte) && !IsSpacing(byte) ? 1 : 0;
  }
  if (control * 10 > text.size() * 3) {
    return Fail(ErrorCode::kInvalidArgument, "binary file");
  }
  return {};
}

}  // namespace

std::optional<Utf8Character> ReadUtf8(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  const unsigned char lead = At(text, 0);
  if (lead < 0x80) {
    return Utf8Character{lead, 1};
  }
  std::size_t size = 0;
  char32_t code = 0;
  char32_t least = 0;
  if ((lead & 0xE0U) == 0xC0) {
    size = 2, code = lead & 0x1FU, least = 0x80;
  } else if ((lead & 0xF0U) == 0xE0) {
    size = 3, code = lead & 0x0FU, least = 0x800;
  } else if ((lead & 0xF8U) == 0xF0) {
    size = 4, code = lead & 0x07U, least = 0x10000;
  } else {
    return std::nullopt;
  }
  if (text.size() < size) {
    return std::nullopt;
  }
  for (std::size_t i = 1; i < size; ++i) {
    if ((At(text, i) & 0xC0U) != 0x80) {
      return std::nullopt;
    }
    code = code << 6U | (At(text, i) & 0x3FU);
  }
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    return std::nullopt;
  }
  return Utf8Character{code, size};
}

void AppendUtf8(Plaintext& out, char32_t code) {
  std::array<char, 4> bytes{};
  std::size_t size = 0;
  const auto put = [&](char32_t byte) { bytes[size++] = static_cast<char>(byte); };
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    code = kReplacement;
  }
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6U);
    put(0x80 | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12U);
    put(0x80 | (code >> 6U & 0x3FU));
    put(0x80 | (code & 0x3FU));
  } else {
    put(0xF0 | code >> 18U);
    put(0x80 | (code >> 12U & 0x3FU));
    put(0x80 | (code >> 6U & 0x3FU));
    put(0x80 | (code & 0x3FU));
  }
  out.Append(PlaintextView::Of(std::string_view(bytes.data(), size)));
}

Result<Plaintext> DecodeText(PlaintextView document) {
  using namespace std::string_view_literals;
  std::string_view bytes = document.Reveal();
  Plaintext decoded;
  if (bytes.starts_with("\xFF\xFE\x00\x00"sv) || bytes.starts_with("\x00\x00\xFE\xFF"sv)) {
    return Fail(ErrorCode::kInvalidArgument, "encoding: UTF-32 is not read; save it as UTF-8");
  }
  if (bytes.starts_with("\xFF\xFE"sv) || bytes.starts_with("\xFE\xFF"sv)) {
    decoded = FromUtf16(bytes.substr(2), bytes.starts_with("\xFE\xFF"sv));
    bytes = decoded.view().Reveal();
  } else if (bytes.starts_with("\xEF\xBB\xBF"sv)) {
    bytes.remove_prefix(3);
  }
  if (bytes.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "empty file");
  }
  if (Result<void> textual = RefuseBinary(bytes); !textual) {
    return std::unexpected(textual.error());
  }
  if (IsUtf8(bytes)) {
    return Tidy(bytes);
  }
  const Plaintext converted = FromWindows1252(bytes);
  return Tidy(converted.view().Reveal());
}

}  // namespace casemate::retrieval
