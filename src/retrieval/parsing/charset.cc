#include "retrieval/parsing/charset.h"

#include <lexbor/encoding/encoding.h>

#include <array>

#include "retrieval/parsing/decode.h"

namespace casemate::retrieval {
namespace {

constexpr std::size_t kCodePoints = 4096;
constexpr lxb_codepoint_t kReplacement = 0xFFFD;

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

const lxb_encoding_data_t* Find(std::string_view name) {
  return ::lxb_encoding_data_by_pre_name(reinterpret_cast<const lxb_char_t*>(name.data()),
                                         name.size());
}

}  // namespace

Plaintext ToUtf8(PlaintextView bytes, std::string_view charset) {
  const std::string_view text = bytes.Reveal();
  const lxb_encoding_data_t* encoding = charset.empty() ? nullptr : Find(charset);
  if (encoding == nullptr || encoding->encoding == LXB_ENCODING_UTF_8) {
    if (IsUtf8(text)) {
      return Plaintext::Copy(bytes);
    }
    encoding = encoding == nullptr ? Find("windows-1252") : encoding;
  }
  Plaintext out;
  out.Reserve(text.size() + text.size() / 4);
  std::array<lxb_codepoint_t, kCodePoints> points{};
  lxb_encoding_decode_t decode{};
  if (::lxb_encoding_decode_init(&decode, encoding, points.data(), points.size()) !=
          LXB_STATUS_OK ||
      ::lxb_encoding_decode_replace_set(&decode, &kReplacement, 1) != LXB_STATUS_OK) {
    return out;
  }
  const auto drain = [&] {
    for (std::size_t i = 0; i < ::lxb_encoding_decode_buf_used(&decode); ++i) {
      AppendUtf8(out, points[i]);
    }
    ::lxb_encoding_decode_buf_used_set(&decode, 0);
  };
  const auto* at = reinterpret_cast<const lxb_char_t*>(text.data());
  const lxb_char_t* const end = at + text.size();
  for (;;) {
    const lxb_status_t status = encoding->decode(&decode, &at, end);
    drain();
    if (status != LXB_STATUS_SMALL_BUFFER) {
      break;
    }
  }
  (void)::lxb_encoding_decode_finish(&decode);
  drain();
  Wipe(std::as_writable_bytes(std::span(points)));
  return out;
}

}  // namespace casemate::retrieval
