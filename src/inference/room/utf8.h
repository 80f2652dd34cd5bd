#pragma once

#include <cstddef>
#include <string_view>

namespace casemate::inference {

// How a UTF-8 text begins (RFC 3629): `size` bytes are a character, or, when `complete` is false
// and `valid` is true, could become one with more bytes; an invalid start is to be skipped.
struct Utf8Start {
  std::size_t size = 1;
  bool valid = false;
  bool complete = false;
};

// `text` is not empty.
Utf8Start ReadUtf8Start(std::string_view text);

bool IsUtf8(std::string_view text);

}  // namespace casemate::inference
