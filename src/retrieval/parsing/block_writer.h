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
  // Kept unless one is there already; at most 512 bytes of it.
  void SetTitle(PlaintextView title);
  bool has_title() const { return !document_.title.empty(); }
  std::size_t blocks() const { return document_.blocks.size(); }

  // Errors: kTooLarge: more text or blocks than the limits of parse.h.
  [[nodiscard]] Result<ParsedDocument> Finish();

 private:
  ParsedDocument document_;
  bool too_large_ = false;
};

}  // namespace casemate::retrieval
