#include "retrieval/parsing/block_writer.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "retrieval/parsing/decode.h"
#include "retrieval/parsing/limits.h"

namespace casemate::retrieval {
namespace {

constexpr std::size_t kMaxTitleBytes = 512;

// 0: no white space; else its length in bytes. The zero-width ones count: they would split words
// that a reader sees as one, and hide text from a search.
std::size_t SpaceAt(std::string_view text) {
  const char c = text[0];
  if (c == ' ' || c == '\t' || c == '\n') {
    return 1;
  }
  if (text.starts_with("\xC2\xA0")) {  // U+00A0
    return 2;
  }
  if (text.size() >= 3 && text[0] == '\xE2' && text[1] == '\x80') {
    const auto last = static_cast<unsigned char>(text[2]);
    if (last >= 0x80 && last <= 0x8A) {  // U+2000 to U+200A
      return 3;
    }
  }
  return 0;
}
bool IsInvisible(std::string_view text) {  // U+200B, U+FEFF, U+00AD
  return text.starts_with("\xE2\x80\x8B") || text.starts_with("\xEF\xBB\xBF") ||
         text.starts_with("\xC2\xAD");
}

Plaintext Collapse(std::string_view text) {
  Plaintext out;
  out.Reserve(text.size());
  bool pending = false;
  std::size_t i = 0;
  while (i < text.size()) {
    const std::string_view rest = text.substr(i);
    if (const std::size_t space = SpaceAt(rest); space > 0) {
      pending = !out.empty();
      i += space;
      continue;
    }
    if (IsInvisible(rest)) {
      i += rest[0] == '\xC2' ? 2 : 3;
      continue;
    }
    if (pending) {
      out.AppendLiteral(" ");
      pending = false;
    }
    // To the end of the word at once.
    std::size_t end = i + 1;
    while (end < text.size() && static_cast<unsigned char>(text[end]) > 0x20 &&
           static_cast<unsigned char>(text[end]) < 0x80) {
      ++end;
    }
    if (static_cast<unsigned char>(text[i]) >= 0x80) {
      end = i + 1;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) {
        ++end;
      }
    }
    out.Append(PlaintextView::Of(text.substr(i, end - i)));
    i = end;
  }
  return out;
}

// Lines without trailing blanks; blank lines at the ends go, those within are kept, but no more
// than one in a row, so that a blank line within never looks like the end of two blocks.
Plaintext KeepLines(std::string_view text) {
  Plaintext out;
  out.Reserve(text.size());
  bool blank = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t last = line.find_last_not_of(" \t");
    line = last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
    if (line.empty()) {
      blank = !out.empty();
      continue;
    }
    if (!out.empty()) {
      out.AppendLiteral(blank ? "\n\n" : "\n");
    }
    blank = false;
    out.Append(PlaintextView::Of(line));
  }
  return out;
}

PlaintextView WithoutPermalink(PlaintextView text) {
  constexpr std::string_view kPilcrow = "\xC2\xB6";
  if (text.Reveal().ends_with(kPilcrow)) {
    text = text.Part(0, text.size() - kPilcrow.size());
    while (text.Reveal().ends_with(' ')) {
      text = text.Part(0, text.size() - 1);
    }
  }
  return text;
}

}  // namespace

void BlockWriter::Add(BlockKind kind, std::uint8_t level, PlaintextView text) {
  if (too_large_) {
    return;
  }
  const bool lines = kind == BlockKind::kCode || kind == BlockKind::kTable;
  const Plaintext made = lines ? KeepLines(text.Reveal()) : Collapse(text.Reveal());
  PlaintextView view = made;
  if (kind == BlockKind::kHeading || kind == BlockKind::kTerm) {
    view = WithoutPermalink(view);
  }
  if (view.empty()) {
    return;
  }
  if (document_.blocks.size() >= kMaxBlocks ||
      document_.text.size() + view.size() + 2 > kMaxParsedBytes) {
    too_large_ = true;
    return;
  }
  if (!document_.text.empty()) {
    document_.text.AppendLiteral("\n\n");
  }
  Block block{.kind = kind, .level = level};
  block.page = page_;
  block.begin = static_cast<std::uint32_t>(document_.text.size());
  document_.text.Append(view);
  block.end = static_cast<std::uint32_t>(document_.text.size());
  document_.blocks.push_back(block);
}

void BlockWriter::AddDocument(const ParsedDocument& other, std::uint8_t deeper) {
  const std::uint32_t page = page_;
  for (const Block& block : other.blocks) {
    const int level = block.kind == BlockKind::kHeading ? std::min(block.level + deeper, 6) : 0;
    page_ = block.page > 0 ? block.page : page;
    Add(block.kind, static_cast<std::uint8_t>(level),
        other.text.view().Part(block.begin, block.end - block.begin));
  }
  page_ = page;
}

void BlockWriter::SetTitle(PlaintextView title) {
  if (!document_.title.empty()) {
    return;
  }
  const Plaintext made = Collapse(title.Reveal());
  std::string_view text = WithoutPermalink(made).Reveal();
  if (text.size() > kMaxTitleBytes) {
    std::size_t size = kMaxTitleBytes;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80) {
      --size;
    }
    text = text.substr(0, size);
  }
  document_.title = Plaintext::Copy(text);
}

Result<ParsedDocument> BlockWriter::Finish() {
  if (too_large_) {
    return Fail(ErrorCode::kTooLarge, "the document has too much text or too many parts");
  }
  return std::move(document_);
}

}  // namespace casemate::retrieval
