#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "retrieval/messages.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

// Builds a ParsedDocument block by block: white space made regular, a blank line between blocks,
// offsets that fit. Threads: one at a time.
class BlockWriter {
 public:
  // Adds a block; one without text is left out. In code and tables lines stay, with their
  // indentation; elsewhere every run of white space becomes one space. A trailing pilcrow, the
  // permalink of documentation generators, is cut from headings and terms. `text` must be UTF-8.
  void Add(BlockKind kind, std::uint8_t level, PlaintextView text);
  // Of the blocks that follow; from 1, or 0 for none.
  void SetPage(std::uint32_t page) { page_ = page; }
  // Adds the blocks of another document, its headings `deeper` levels down (6 at most); its title
  // is left out.
  void AddDocument(const ParsedDocument& other, std::uint8_t deeper);
  // Kept unless one is there already; at most 512 bytes of it.
  void SetTitle(PlaintextView title);
  bool has_title() const { return !document_.title.empty(); }
  // A limit was met; nothing more is taken, and Finish fails.
  bool too_large() const { return too_large_; }
  std::size_t blocks() const { return document_.blocks.size(); }

  // Errors: kTooLarge: more text or blocks than the limits of limits.h.
  [[nodiscard]] Result<ParsedDocument> Finish();

 private:
  ParsedDocument document_;
  std::uint32_t page_ = 0;
  bool too_large_ = false;
};

}  // namespace casemate::retrieval
