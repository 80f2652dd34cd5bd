#include "inference/room/utf8.h"

namespace casemate::inference {

Utf8Start ReadUtf8Start(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return {1, true, true};
  }
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    low = lead == 0xE0 ? 0xA0 : 0x80;   // shorter forms exist
    high = lead == 0xED ? 0x9F : 0xBF;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    low = lead == 0xF0 ? 0x90 : 0x80;
    high = lead == 0xF4 ? 0x8F : 0xBF;  // past U+10FFFF
  } else {
    return {};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) {
      return {i, true, false};
    }
    if (byte(i) < low || byte(i) > high) {
      return {i, false, false};
    }
    low = 0x80;
    high = 0xBF;
  }
  return {length, true, true};
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Start start = ReadUtf8Start(text);
    if (!start.complete) {
      return false;
    }
    text.remove_prefix(start.size);
  }
  return true;
}

}  // namespace casemate::inference
