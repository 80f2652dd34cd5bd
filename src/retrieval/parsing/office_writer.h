#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "retrieval/parsing/block_writer.h"

namespace casemate::retrieval {

// What word processors write, as blocks: paragraphs that may hold others (a text box, a note), and
// tables, whose rows become lines with " | " between cells. Notes follow the paragraph that refers
// to them. Threads: one at a time.
class OfficeWriter {
 public:
  void BeginParagraph(BlockKind kind, std::uint8_t level);
  // Of the innermost paragraph, while it is open.
  void SetKind(BlockKind kind, std::uint8_t level);
  void Text(PlaintextView text);  // outside a paragraph it is lost
  void EndParagraph();

  void BeginTable();
  void EndCell();
  void EndRow();
  void EndTable();

  // Paragraphs in between are a note of the paragraph that is open.
  void BeginNote();
  void EndNote();

  bool in_paragraph() const { return !open_.empty(); }
  BlockWriter& blocks() { return writer_; }

 private:
  struct Paragraph {
    BlockKind kind = BlockKind::kParagraph;
    std::uint8_t level = 0;
    Plaintext text;
  };
  // A table within a cell becomes text of the cell: one table is open at most.
  bool in_table() const { return tables_ > 0; }
  void Put(const Paragraph& paragraph);

  BlockWriter writer_;
  std::vector<Paragraph> open_;  // innermost last
  std::size_t tables_ = 0;       // how many are open, within each other
  Plaintext cell_;
  Plaintext row_;
  Plaintext rows_;
  std::size_t notes_ = 0;  // open ones
  std::vector<Plaintext> note_texts_;
};

}  // namespace casemate::retrieval
