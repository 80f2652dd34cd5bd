#include "retrieval/chunker.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "retrieval/sentences.h"

namespace casemate::retrieval {
namespace {

// What one call to the counter may carry: bounds the message to the room.
constexpr std::size_t kTextsPerCount = 4096;
constexpr std::size_t kBytesPerCount = std::size_t{1} << 20U;
constexpr std::size_t kMaxHeadingBytes = 512;

// A sentence, a line, or a part of one that was too long.
struct Piece {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t section = 0;  // index into the headings
  std::uint32_t tokens = 0;
  std::uint32_t page = 0;
};

std::unexpected<Error> FailBlocks(const char* why) {
  return Fail(ErrorCode::kInvalidArgument,
              std::string("the parser's answer does not make sense: ") + why);
}

Result<void> CheckBlocks(const ParsedDocument& document) {
  const std::string_view text = document.text.view().Reveal();
  std::size_t last = 0;
  for (const Block& block : document.blocks) {
    if (block.begin < last || block.end < block.begin || block.end > text.size()) {
      return FailBlocks("blocks out of order");
    }
    if (!IsCharacterBoundary(text, block.begin) || !IsCharacterBoundary(text, block.end)) {
      return FailBlocks("a block that cuts a character");
    }
    if (block.kind == BlockKind::kHeading && (block.level < 1 || block.level > 6)) {
      return FailBlocks("a heading whose level is not 1 to 6");
    }
    last = block.end;
  }
  return {};
}

// The headings above the current place, by level.
class HeadingPath {
 public:
  void Enter(std::uint8_t level, std::string_view title) {
    for (std::size_t i = level; i < titles_.size(); ++i) {
      titles_[i] = {};
    }
    titles_[level - 1] = title;
    term_ = {};
  }
  // A term of a definition list (a glossary's word, a function's signature) heads what follows it,
  // below every heading, until the next term or heading.
  void EnterTerm(std::string_view term) { term_ = term; }
  Plaintext Text() const {
    std::array<std::string_view, 7> parts{};
    std::ranges::copy(titles_, parts.begin());
    parts.back() = term_;
    Plaintext path;
    for (const std::string_view title : parts) {
      if (title.empty() || path.size() + title.size() > kMaxHeadingBytes) {
        continue;
      }
      if (!path.empty()) {
        path.AppendLiteral(" > ");
      }
      path.Append(PlaintextView::Of(title));
    }
    return path;
  }

 private:
  std::array<std::string_view, 6> titles_;  // views of the document's text
  std::string_view term_;
};

struct Sections {
  std::vector<Plaintext> headings;  // one a section; 0 is what stands before the first heading
  std::vector<Piece> pieces;
};

bool CutAtLines(BlockKind kind) { return kind == BlockKind::kCode || kind == BlockKind::kTable; }

void AddPieces(std::string_view text, const Block& where, bool lines, Sections& out) {
  const std::string_view part = text.substr(where.begin, where.end - where.begin);
  for (const Span& span : lines ? Lines(part) : Sentences(part)) {
    out.pieces.push_back(
        {where.begin + span.begin, where.begin + span.end, out.headings.size() - 1, 0, where.page});
  }
}

// A term that has an explanation under it. Of several terms in a row the first heads the rest.
bool HeadsASection(const std::vector<Block>& blocks, std::size_t at) {
  return blocks[at].kind == BlockKind::kTerm &&
         (at == 0 || blocks[at - 1].kind != BlockKind::kTerm) && at + 1 < blocks.size() &&
         blocks[at + 1].kind != BlockKind::kHeading;
}

// A heading that nothing stands under is content of its own.
bool IsBare(const std::vector<Block>& blocks, std::size_t at) {
  return at + 1 == blocks.size() ||
         (blocks[at + 1].kind == BlockKind::kHeading && blocks[at + 1].level <= blocks[at].level);
}

Sections Split(const ParsedDocument& document) {
  const std::string_view text = document.text.view().Reveal();
  Sections out;
  out.headings.emplace_back();
  if (document.blocks.empty()) {
    Block whole;
    whole.end = static_cast<std::uint32_t>(text.size());
    AddPieces(text, whole, false, out);
    return out;
  }
  HeadingPath path;
  for (std::size_t i = 0; i < document.blocks.size(); ++i) {
    const Block& block = document.blocks[i];
    const Span title = Trimmed(text, {block.begin, block.end});
    const std::string_view words = text.substr(title.begin, title.end - title.begin);
    if (HeadsASection(document.blocks, i)) {
      path.EnterTerm(words);
      out.headings.push_back(path.Text());
    }
    if (block.kind != BlockKind::kHeading) {
      AddPieces(text, block, CutAtLines(block.kind), out);
      continue;
    }
    path.Enter(block.level, words);
    out.headings.push_back(path.Text());
    if (IsBare(document.blocks, i)) {
      AddPieces(text, block, false, out);
    }
  }
  return out;
}

// Counts pieces[i] for every i of `which`, in as few calls as the bounds allow.
Result<void> CountPieces(std::string_view text, std::vector<Piece>& pieces,
                         const std::vector<std::size_t>& which, const TokenCounter& count) {
  for (std::size_t at = 0; at < which.size();) {
    std::vector<PlaintextView> texts;
    std::size_t bytes = 0;
    const std::size_t first = at;
    for (; at < which.size() && texts.size() < kTextsPerCount; ++at) {
      const Piece& piece = pieces[which[at]];
      if (!texts.empty() && bytes + (piece.end - piece.begin) > kBytesPerCount) {
        break;
      }
      bytes += piece.end - piece.begin;
      texts.push_back(PlaintextView::Of(text.substr(piece.begin, piece.end - piece.begin)));
    }
    Result<std::vector<std::uint32_t>> tokens = count(texts);
    if (!tokens) {
      return std::unexpected(tokens.error());
    }
    if (tokens->size() != texts.size()) {
      return Fail(ErrorCode::kUnavailable, "the model counted other texts than it was given");
    }
    for (std::size_t i = 0; i < tokens->size(); ++i) {
      pieces[which[first + i]].tokens = (*tokens)[i];
    }
  }
  return {};
}

bool IsTooLong(const Piece& piece, const ChunkOptions& options) {
  return piece.tokens > options.max_tokens;
}

// Cuts every piece that is too long and counts the parts, until none is: a call or two a round, a
// few rounds a document.
Result<void> CutLongPieces(std::string_view text, std::vector<Piece>& pieces,
                           const ChunkOptions& options, const TokenCounter& count) {
  while (std::ranges::any_of(pieces, [&](const Piece& p) { return IsTooLong(p, options); })) {
    std::vector<Piece> next;
    std::vector<std::size_t> uncounted;
    for (const Piece& piece : pieces) {
      const std::string_view part = text.substr(piece.begin, piece.end - piece.begin);
      const std::vector<Span> cuts =
          IsTooLong(piece, options)
              ? CutEvenly(part, (piece.tokens + options.target_tokens - 1) / options.target_tokens)
              : std::vector<Span>{};
      if (cuts.size() < 2) {
        next.push_back(piece);  // short enough, or one character that cannot be cut
        next.back().tokens = std::min(piece.tokens, options.max_tokens);
        continue;
      }
      for (const Span& cut : cuts) {
        uncounted.push_back(next.size());
        next.push_back(
            {piece.begin + cut.begin, piece.begin + cut.end, piece.section, 0, piece.page});
      }
    }
    pieces = std::move(next);
    if (Result<void> counted = CountPieces(text, pieces, uncounted, count); !counted) {
      return counted;
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Chunk>> ChunkDocument(const ParsedDocument& document,
                                         const ChunkOptions& options, const TokenCounter& count) {
  if (options.target_tokens == 0 || options.max_tokens < options.target_tokens) {
    return Fail(ErrorCode::kInvalidArgument, "chunks need 1 <= target tokens <= maximum tokens");
  }
  if (Result<void> good = CheckBlocks(document); !good) {
    return std::unexpected(good.error());
  }
  const std::string_view text = document.text.view().Reveal();
  Sections sections = Split(document);
  std::vector<Piece>& pieces = sections.pieces;
  if (pieces.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "empty document: it has no text");
  }
  std::vector<std::size_t> all(pieces.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = i;
  }
  if (Result<void> counted = CountPieces(text, pieces, all, count); !counted) {
    return std::unexpected(counted.error());
  }
  if (Result<void> cut = CutLongPieces(text, pieces, options, count); !cut) {
    return std::unexpected(cut.error());
  }

  std::vector<Chunk> chunks;
  for (std::size_t first = 0; first < pieces.size();) {
    // A joint costs a token at most: the white space between two pieces.
    std::uint32_t tokens = pieces[first].tokens;
    std::size_t after = first + 1;
    while (after < pieces.size() && pieces[after].section == pieces[first].section &&
           pieces[after].page == pieces[first].page &&
           tokens + 1 + pieces[after].tokens <= options.target_tokens) {
      tokens += 1 + pieces[after].tokens;
      ++after;
    }
    if (chunks.size() == options.max_chunks) {
      return Fail(ErrorCode::kTooLarge, "the document has more than " +
                                            std::to_string(options.max_chunks) +
                                            " chunks; split it into several");
    }
    Chunk chunk;
    const std::size_t begin = pieces[first].begin;
    const std::size_t end = pieces[after - 1].end;
    chunk.heading = Plaintext::Copy(sections.headings[pieces[first].section].view());
    chunk.text = Plaintext::Copy(text.substr(begin, end - begin));
    chunk.begin = static_cast<std::uint32_t>(begin);
    chunk.end = static_cast<std::uint32_t>(end);
    chunk.tokens = tokens;
    chunk.page = pieces[first].page;
    chunks.push_back(std::move(chunk));
    first = after;
  }
  return chunks;
}

}  // namespace casemate::retrieval
