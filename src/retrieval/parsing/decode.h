#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

// A document's bytes as UTF-8 without a byte order mark, with "\n" line ends and without control
// characters other than tab and "\n" (form feed counts as a line end). Known: UTF-8, UTF-16 with a
// byte order mark, and as a last resort Latin-1, which is read as windows-1252, as browsers do.
// Errors: kInvalidArgument: "binary file": a NUL, or more than 30 % control characters; "encoding":
// UTF-32; "empty file": nothing but a mark.
[[nodiscard]] Result<Plaintext> DecodeText(PlaintextView document);

// The first character of `text`: its code point and length; nothing when it is not UTF-8 (RFC
// 3629).
struct Utf8Character {
  char32_t code = 0;
  std::size_t size = 0;
};
std::optional<Utf8Character> ReadUtf8(std::string_view text);
void AppendUtf8(Plaintext& out, char32_t code);

}  // namespace casemate::retrieval
