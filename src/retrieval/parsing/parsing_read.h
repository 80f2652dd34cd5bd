#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "retrieval/parsing/parse.h"

// For the tests of this folder: a parsed document in a form that is easy to compare.
namespace casemate::retrieval {

struct Parsed {
  std::string title;
  std::string text;
  std::vector<std::string> blocks;  // "h1:Title", "p:Text", ...
  Error error;
};

inline std::string Show(const Block& block, std::string_view text) {
  constexpr std::string_view kLetters = "?hpictd";  // by BlockKind; d is a term
  std::string shown(1, kLetters[static_cast<std::size_t>(block.kind)]);
  if (block.kind == BlockKind::kHeading) {
    shown += std::to_string(block.level);
  }
  return shown + ":" + std::string(text.substr(block.begin, block.end - block.begin));
}

inline Parsed Read(std::string_view format, std::string_view document) {
  Parsed parsed;
  Result<ParsedDocument> result = Parse(format, PlaintextView::Of(document));
  if (!result) {
    parsed.error = result.error();
    return parsed;
  }
  parsed.title = result->title.view().Reveal();
  parsed.text = result->text.view().Reveal();
  for (const Block& block : result->blocks) {
    EXPECT_LE(block.begin, block.end);
    EXPECT_LE(block.end, parsed.text.size());
    parsed.blocks.push_back(Show(block, parsed.text));
  }
  return parsed;
}

}  // namespace casemate::retrieval
