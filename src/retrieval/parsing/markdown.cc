#include "retrieval/parsing/markdown.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "retrieval/parsing/block_writer.h"

namespace casemate::retrieval {
namespace {

constexpr std::size_t kMaxFrontMatterLines = 256;
constexpr int kMaxQuoteDepth = 32;

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

std::size_t Indent(std::string_view line) {
  std::size_t columns = 0;
  for (const char c : line) {
    if (c == ' ') {
      ++columns;
    } else if (c == '\t') {
      columns += 4 - columns % 4;
    } else {
      break;
    }
  }
  return columns;
}

std::string_view Trim(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    return {};
  }
  return line.substr(begin, line.find_last_not_of(" \t") + 1 - begin);
}

// "## Title ##": its level, 1 to 6.
struct AtxHeading {
  std::uint8_t level = 0;
  std::string_view text;
};
std::optional<AtxHeading> ReadAtxHeading(std::string_view line) {
  const std::string_view text = Trim(line);
  const std::size_t level = std::min(text.find_first_not_of('#'), text.size());
  if (Indent(line) > 3 || level < 1 || level > 6 ||
      (level < text.size() && text[level] != ' ' && text[level] != '\t')) {
    return std::nullopt;
  }
  std::string_view title = Trim(text.substr(level));
  const std::size_t end = title.find_last_not_of('#');
  if (end == std::string_view::npos) {
    title = {};
  } else if (end + 1 < title.size() && (title[end] == ' ' || title[end] == '\t')) {
    title = Trim(title.substr(0, end));
  }
  return AtxHeading{static_cast<std::uint8_t>(level), title};
}

// A line of one character only, three at least ("---", "* * *"), or of '=' or '-' (setext).
bool IsRule(std::string_view line) {
  const std::string_view text = Trim(line);
  if (text.empty() || (text[0] != '-' && text[0] != '*' && text[0] != '_')) {
    return false;
  }
  std::size_t marks = 0;
  for (const char c : text) {
    if (c != text[0] && c != ' ' && c != '\t') {
      return false;
    }
    marks += c == text[0] ? 1 : 0;
  }
  return marks >= 3;
}
std::uint8_t SetextLevel(std::string_view line) {
  const std::string_view text = Trim(line);
  if (text.empty() || Indent(line) > 3 ||
      text.find_first_not_of(text[0]) != std::string_view::npos) {
    return 0;
  }
  return text[0] == '=' ? 1 : text[0] == '-' ? 2 : 0;
}

struct Fence {
  char mark = '`';
  std::size_t size = 0;
};
std::optional<Fence> ReadFence(std::string_view line) {
  const std::string_view text = Trim(line);
  if (text.empty() || (text[0] != '`' && text[0] != '~')) {
    return std::nullopt;
  }
  const std::size_t size = std::min(text.find_first_not_of(text[0]), text.size());
  if (size < 3 || (text[0] == '`' && text.substr(size).contains('`'))) {
    return std::nullopt;
  }
  return Fence{text[0], size};
}
bool EndsFence(std::string_view line, const Fence& fence) {
  const std::string_view text = Trim(line);
  return text.size() >= fence.size && text.find_first_not_of(fence.mark) == std::string_view::npos;
}

// "- text", "12. text": what follows the mark.
std::optional<std::string_view> ReadListItem(std::string_view line) {
  const std::string_view text = Trim(line);
  std::size_t mark = 0;
  if (text.starts_with('-') || text.starts_with('*') || text.starts_with('+')) {
    mark = 1;
  } else {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits > 0 && digits <= 9 && digits < text.size() &&
        (text[digits] == '.' || text[digits] == ')')) {
      mark = digits + 1;
    }
  }
  if (mark == 0 || (mark < text.size() && text[mark] != ' ' && text[mark] != '\t')) {
    return std::nullopt;
  }
  return Trim(text.substr(mark));
}

// "|---|:--:|", the second line of a table.
bool IsTableRule(std::string_view line) {
  const std::string_view text = Trim(line);
  return text.contains('-') && text.contains('|') &&
         text.find_first_not_of("|-: \t") == std::string_view::npos;
}

// "[name]: address"
bool IsLinkDefinition(std::string_view line) {
  const std::string_view text = Trim(line);
  const std::size_t end = text.find("]:");
  return Indent(line) <= 3 && text.starts_with('[') && end != std::string_view::npos && end > 1 &&
         !text.substr(1, end - 1).contains(']');
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Result<ParsedDocument> Run() {
    SkipFrontMatter();
    while (!rest_.empty()) {
      std::string_view line = NextLine();
      for (int i = 0; i < kMaxQuoteDepth && Indent(line) <= 3 && Trim(line).starts_with('>'); ++i) {
        line = line.substr(line.find('>') + 1);
      }
      Take(line);
    }
    Flush();
    return writer_.Finish();
  }

 private:
  std::string_view NextLine() {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return line;
  }

  void SkipFrontMatter() {
    const std::string_view whole = rest_;
    if (NextLine() != "---") {
      rest_ = whole;
      return;
    }
    for (std::size_t i = 0; i < kMaxFrontMatterLines && !rest_.empty(); ++i) {
      const std::string_view line = Trim(NextLine());
      if (line == "---" || line == "...") {
        return;
      }
    }
    rest_ = whole;  // it was a rule
  }

  void Take(std::string_view line) {
    if (fence_) {
      if (EndsFence(line, *fence_)) {
        Flush();
        fence_.reset();
      } else {
        AddLine(line);
      }
      return;
    }
    if (comment_) {
      comment_ = !line.contains("-->");
      return;
    }
    if (IsBlank(line)) {
      TakeBlank();
      return;
    }
    if (kind_ == BlockKind::kCode && Indent(line) >= 4) {
      AddLine(line.substr(std::min<std::size_t>(line.find_first_not_of(' '), 4)));
      return;
    }
    TakeText(line);
  }

  void TakeBlank() {
    after_blank_ = true;
    if (kind_ == BlockKind::kCode) {
      AddLine("");  // cut at the end if nothing follows
    } else {
      Flush();
    }
  }

  void TakeText(std::string_view line) {
    const bool after_blank = std::exchange(after_blank_, false);
    if (const std::optional<Fence> fence = ReadFence(line)) {
      Begin(BlockKind::kCode, 0);
      fence_ = fence;
    } else if (Trim(line).starts_with("<!--") && !line.contains("-->")) {
      Flush();
      comment_ = true;
    } else if (const std::optional<AtxHeading> heading = ReadAtxHeading(line)) {
      Begin(BlockKind::kHeading, heading->level);
      AddLine(heading->text);
      Flush();
    } else if (kind_ == BlockKind::kParagraph && !buffer_.empty() && SetextLevel(line) > 0) {
      kind_ = BlockKind::kHeading;
      level_ = SetextLevel(line);
      Flush();
    } else if (IsRule(line)) {
      Flush();
      in_list_ = false;
    } else if (IsTableRule(line) && (lines_ == 1 || kind_ == BlockKind::kTable)) {
      kind_ = BlockKind::kTable;
    } else if (const std::optional<std::string_view> item = ReadListItem(line)) {
      Begin(BlockKind::kListItem, 0);
      AddLine(*item);
      in_list_ = true;
    } else if (after_blank && !in_list_ && buffer_.empty() && Indent(line) >= 4) {
      Begin(BlockKind::kCode, 0);
      AddLine(line.substr(std::min<std::size_t>(line.find_first_not_of(' '), 4)));
    } else if (!(buffer_.empty() && IsLinkDefinition(line))) {
      TakeProse(line);
    }
  }

  void TakeProse(std::string_view line) {
    if (kind_ == BlockKind::kCode) {
      Flush();  // indented code ended
    }
    if (Indent(line) == 0 && buffer_.empty()) {
      in_list_ = false;
    }
    AddLine(kind_ == BlockKind::kTable ? line : Trim(line));
  }

  void Begin(BlockKind kind, std::uint8_t level) {
    Flush();
    kind_ = kind;
    level_ = level;
  }

  void AddLine(std::string_view line) {
    if (lines_++ > 0) {
      buffer_.AppendLiteral("\n");
    }
    buffer_.Append(PlaintextView::Of(line));
  }

  // The cells of a row, between single bars.
  static Plaintext Cells(std::string_view table) {
    Plaintext out;
    out.Reserve(table.size() * 2);
    while (!table.empty()) {
      const std::size_t end = std::min(table.find('\n'), table.size());
      std::string_view row = Trim(table.substr(0, end));
      table.remove_prefix(std::min(end + 1, table.size()));
      bool first = true;
      while (!row.empty()) {
        const std::size_t bar = std::min(row.find('|'), row.size());
        const std::string_view cell = Trim(row.substr(0, bar));
        row.remove_prefix(std::min(bar + 1, row.size()));
        if (cell.empty()) {
          continue;
        }
        out.AppendLiteral(first ? "" : " | ");
        first = false;
        const Plaintext text = StripInlineMarkdown(PlaintextView::Of(cell));
        out.Append(text);
      }
      out.AppendLiteral("\n");
    }
    return out;
  }

  void Flush() {
    if (!buffer_.empty()) {
      if (kind_ == BlockKind::kCode) {
        writer_.Add(kind_, 0, buffer_);
      } else if (kind_ == BlockKind::kTable) {
        const Plaintext table = Cells(buffer_.view().Reveal());
        writer_.Add(kind_, 0, table);
      } else {
        const Plaintext text = StripInlineMarkdown(buffer_);
        if (kind_ == BlockKind::kHeading) {
          writer_.SetTitle(text);
        }
        writer_.Add(kind_, level_, text);
      }
    }
    buffer_.Clear();
    lines_ = 0;
    kind_ = BlockKind::kParagraph;
    level_ = 0;
  }

  std::string_view rest_;
  BlockWriter writer_;
  Plaintext buffer_;  // of the block being read
  std::size_t lines_ = 0;
  BlockKind kind_ = BlockKind::kParagraph;
  std::uint8_t level_ = 0;
  std::optional<Fence> fence_;
  bool comment_ = false;
  bool in_list_ = false;
  bool after_blank_ = true;
};

}  // namespace

Result<ParsedDocument> ParseMarkdown(PlaintextView text) { return Reader(text.Reveal()).Run(); }

}  // namespace casemate::retrieval
