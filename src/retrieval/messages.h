#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/codec.h"
#include "ipc/matrix.h"

// What a keeper says to a parser process, and back.
namespace casemate::retrieval {

using ipc::MessageType;

struct ParseDocument {
  static constexpr MessageType kType = MessageType::kParseDocument;
  std::string format;  // of parsing/parse.h; found by the keeper from name and content
  Plaintext document;
  static void Fields(auto& m, auto& v) {
    v(m.format);
    v(m.document);
  }
};

enum class BlockKind : std::uint8_t {
  kHeading = 1,
  kParagraph = 2,
  kListItem = 3,
  kCode = 4,
  kTable = 5,
  kTerm = 6
};
// A run of the document's text, in order. `begin` and `end` are UTF-8 byte offsets into
// ParsedDocument::text.
struct Block {
  BlockKind kind = BlockKind::kParagraph;
  std::uint8_t level = 0;  // headings: 1 to 6
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t page = 0;  // from 1; 0: the format has none
  static void Fields(auto& m, auto& v) {
    v(m.kind);
    v(m.level);
    v(m.begin);
    v(m.end);
    v(m.page);
  }
};
// Errors of a parse come as kError: kInvalidArgument ("binary file", "empty file", "encoding"),
// kTooLarge, kDeadlineExceeded.
struct ParsedDocument {
  static constexpr MessageType kType = MessageType::kParseDocumentReply;
  Plaintext title;  // from the document; may be empty
  Plaintext text;   // valid UTF-8, blocks separated by blank lines
  std::vector<Block> blocks;
  static void Fields(auto& m, auto& v) {
    v(m.title);
    v(m.text);
    v(m.blocks);
  }
};

}  // namespace casemate::retrieval
