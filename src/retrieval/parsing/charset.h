#pragma once

#include <string_view>

#include "secmem/plaintext.h"

namespace casemate::retrieval {

// Text of a named charset as UTF-8: every label of the WHATWG Encoding Standard (utf-8, iso-8859-*,
// windows-125*, koi8-r, utf-16le/be, shift_jis, gb18030, big5, euc-kr, ...). What is not valid
// becomes U+FFFD. An unknown label is read as UTF-8 where the bytes are that, else as windows-1252.
// Control characters stay; DecodeText tidies them.
[[nodiscard]] Plaintext ToUtf8(PlaintextView bytes, std::string_view charset);

}  // namespace casemate::retrieval
