#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "retrieval/parsing/decode.h"
#include "retrieval/parsing/parse.h"

namespace casemate::retrieval {

inline void RequireUtf8(std::string_view text) {
  while (!text.empty()) {
    const auto character = ReadUtf8(text);
    if (!character) {
      std::abort();
    }
    text.remove_prefix(character->size);
  }
}

// What every parse must hold, whatever the bytes.
inline void CheckParse(std::string_view format, const std::uint8_t* data, std::size_t size) {
  const Result<ParsedDocument> parsed =
      Parse(format, PlaintextView::Of(std::string_view(reinterpret_cast<const char*>(data), size)));
  if (!parsed) {
    return;
  }
  const std::string_view text = parsed->text.view().Reveal();
  RequireUtf8(text);
  RequireUtf8(parsed->title.view().Reveal());
  std::size_t last = 0;
  for (const Block& block : parsed->blocks) {
    if (block.begin < last || block.begin >= block.end || block.end > text.size()) {
      std::abort();
    }
    RequireUtf8(text.substr(block.begin, block.end - block.begin));
    last = block.end;
  }
}

}  // namespace casemate::retrieval
