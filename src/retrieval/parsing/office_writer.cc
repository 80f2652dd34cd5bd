#include "retrieval/parsing/office_writer.h"

#include <utility>

namespace casemate::retrieval {

void OfficeWriter::BeginParagraph(BlockKind kind, std::uint8_t level) {
  open_.push_back({.kind = kind, .level = level, .text = {}});
}

void OfficeWriter::SetKind(BlockKind kind, std::uint8_t level) {
  if (!open_.empty()) {
    open_.back().kind = kind;
    open_.back().level = level;
  }
}

void OfficeWriter::Text(PlaintextView text) {
  if (!open_.empty()) {
    open_.back().text.Append(text);
  }
}

void OfficeWriter::EndParagraph() {
  if (open_.empty()) {
    return;
  }
  const Paragraph paragraph = std::move(open_.back());
  open_.pop_back();
  if (notes_ > 0) {
    if (note_texts_.empty()) {
      note_texts_.emplace_back();
    }
    note_texts_.back().AppendLiteral(note_texts_.back().empty() ? "" : " ");
    note_texts_.back().Append(paragraph.text);
    return;
  }
  Put(paragraph);
}

void OfficeWriter::Put(const Paragraph& paragraph) {
  if (in_table()) {
    cell_.AppendLiteral(cell_.empty() ? "" : " ");
    cell_.Append(paragraph.text);
    for (const Plaintext& note : note_texts_) {
      cell_.AppendLiteral(" (");
      cell_.Append(note);
      cell_.AppendLiteral(")");
    }
  } else {
    writer_.Add(paragraph.kind, paragraph.level, paragraph.text);
    for (const Plaintext& note : note_texts_) {
      writer_.Add(BlockKind::kParagraph, 0, note);
    }
  }
  note_texts_.clear();
}

void OfficeWriter::BeginTable() { ++tables_; }

void OfficeWriter::EndCell() {
  if (tables_ != 1) {
    return;
  }
  BlockWriter one_line;  // white space, line ends too, becomes one space
  one_line.Add(BlockKind::kParagraph, 0, cell_);
  cell_.Clear();
  const Result<ParsedDocument> made = one_line.Finish();
  if (made && !made->text.empty()) {
    row_.AppendLiteral(row_.empty() ? "" : " | ");
    row_.Append(made->text);
  }
}

void OfficeWriter::EndRow() {
  if (tables_ != 1) {
    return;
  }
  EndCell();
  if (!row_.empty()) {
    rows_.Append(row_);
    rows_.AppendLiteral("\n");
    row_.Clear();
  }
}

void OfficeWriter::EndTable() {
  if (tables_ == 1) {
    EndRow();
    writer_.Add(BlockKind::kTable, 0, rows_);
    rows_.Clear();
  }
  tables_ -= tables_ > 0 ? 1 : 0;
}

void OfficeWriter::BeginNote() {
  ++notes_;
  note_texts_.emplace_back();
}

void OfficeWriter::EndNote() { notes_ -= notes_ > 0 ? 1 : 0; }

}  // namespace casemate::retrieval
