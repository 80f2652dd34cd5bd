#include "retrieval/parsing/csv.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/parsing/block_writer.h"

namespace casemate::retrieval {
namespace {

constexpr std::size_t kLineBytes = 240;     // a line of a long record; about 60 tokens
constexpr std::size_t kMaxNameBytes = 128;  // of a header, and of the first cell where repeated
constexpr std::size_t kSniffRecords = 20;
constexpr std::array kDelimiters = {',', ';', '\t', '|'};

std::string Number(std::size_t number) { return std::to_string(number); }

// Reads records one after the other.
class Records {
 public:
  Records(std::string_view text, char delimiter) : rest_(text), delimiter_(delimiter) {}

  bool done() const { return rest_.empty(); }

  // The next record's cells. Errors: as ParseCsv.
  Result<std::vector<Plaintext>> Next() {
    ++number_;
    std::vector<Plaintext> cells;
    for (bool more = true; more;) {
      if (cells.size() == kMaxColumns) {
        return Fail(ErrorCode::kTooLarge, "record " + Number(number_) + " has more than " +
                                              Number(kMaxColumns) + " columns");
      }
      Result<Plaintext> cell = Cell();
      if (!cell) {
        return std::unexpected(cell.error());
      }
      cells.push_back(std::move(*cell));
      more = !rest_.empty() && rest_.front() == delimiter_;
      rest_.remove_prefix(rest_.empty() ? 0 : 1);
    }
    return cells;
  }

 private:
  // Up to the delimiter or line end, which stays.
  Result<Plaintext> Cell() {
    if (!rest_.empty() && rest_.front() == '"') {
      return Quoted();
    }
    const std::array ends = {delimiter_, '\n'};
    const std::size_t end =
        std::min(rest_.find_first_of(std::string_view(ends.data(), ends.size())), rest_.size());
    if (end > kMaxCellBytes) {
      return TooLong();
    }
    Plaintext cell = Plaintext::Copy(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return cell;
  }
  Result<Plaintext> Quoted() {
    Plaintext cell;
    rest_.remove_prefix(1);
    for (;;) {
      const std::size_t quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        return Fail(ErrorCode::kInvalidArgument,
                    "the quote that begins in record " + Number(number_) + " does not end");
      }
      cell.Append(PlaintextView::Of(rest_.substr(0, quote)));
      rest_.remove_prefix(quote + 1);
      if (cell.size() > kMaxCellBytes) {
        return TooLong();
      }
      if (rest_.empty() || rest_.front() != '"') {
        break;
      }
      cell.AppendLiteral("\"");
      rest_.remove_prefix(1);
    }
    // What stands between the quote and the delimiter has no place in RFC 4180; it is kept.
    const std::array ends = {delimiter_, '\n'};
    const std::size_t end =
        std::min(rest_.find_first_of(std::string_view(ends.data(), ends.size())), rest_.size());
    if (end > kMaxCellBytes) {
      return TooLong();
    }
    cell.Append(PlaintextView::Of(rest_.substr(0, end)));
    rest_.remove_prefix(end);
    return cell;
  }
  std::unexpected<Error> TooLong() const {
    return Fail(ErrorCode::kTooLarge, "record " + Number(number_) + " has a cell of more than " +
                                          Number(kMaxCellBytes) + " bytes");
  }

  std::string_view rest_;
  char delimiter_;
  std::size_t number_ = 0;
};

// Records of the most frequent width above one; 0 where none is.
std::size_t Evenness(std::string_view text, char delimiter) {
  Records records(text, delimiter);
  std::vector<std::size_t> widths;
  while (!records.done() && widths.size() < kSniffRecords) {
    Result<std::vector<Plaintext>> cells = records.Next();
    if (!cells) {
      break;
    }
    widths.push_back(cells->size());
  }
  std::size_t best = 0;
  for (const std::size_t width : widths) {
    if (width > 1) {
      best = std::max(best, static_cast<std::size_t>(std::ranges::count(widths, width)));
    }
  }
  return best;
}

char SniffDelimiter(std::string_view text) {
  char best = ',';
  std::size_t most = 0;
  for (const char delimiter : kDelimiters) {
    if (const std::size_t even = Evenness(text, delimiter); even > most) {
      most = even;
      best = delimiter;
    }
  }
  return best;
}

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\n");
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

bool HasLetter(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

bool LooksLikeHeader(const std::vector<Plaintext>& cells) {
  std::vector<std::string_view> names;
  for (const Plaintext& cell : cells) {
    const std::string_view name = Trim(cell.view().Reveal());
    if (!HasLetter(name) || name.size() > kMaxNameBytes) {
      return false;
    }
    names.push_back(name);
  }
  std::ranges::sort(names);
  return names.size() > 1 && std::ranges::adjacent_find(names) == names.end();
}

// One record as lines.
Plaintext Describe(const std::vector<Plaintext>& names, const std::vector<Plaintext>& cells) {
  Plaintext text;
  Plaintext first;  // "name: value; " of the first cell, to begin further lines with
  std::size_t line_begin = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    BlockWriter one_line;  // white space, line ends too, becomes one space
    one_line.Add(BlockKind::kParagraph, 0, cells[i]);
    const Result<ParsedDocument> cell = one_line.Finish();
    if (!cell || cell->text.empty()) {
      continue;
    }
    Plaintext entry;
    if (i < names.size()) {
      entry.Append(PlaintextView::Of(Trim(names[i].view().Reveal())));
      entry.AppendLiteral(": ");
    }
    entry.Append(cell->text);
    const bool starts = text.size() == line_begin;
    if (!starts && text.size() - line_begin + entry.size() > kLineBytes && !names.empty()) {
      text.AppendLiteral("\n");
      line_begin = text.size();
      text.Append(first);
      text.AppendLiteral(first.empty() ? "" : "; ");
    } else if (!starts) {
      text.AppendLiteral(names.empty() ? " | " : "; ");
    }
    text.Append(entry);
    if (first.empty() && entry.size() <= kMaxNameBytes) {
      first = std::move(entry);
    }
  }
  return text;
}

Result<ParsedDocument> ParseDelimited(std::string_view text, char delimiter) {
  Records records(text, delimiter);
  BlockWriter writer;
  std::vector<Plaintext> names;
  for (bool first = true; !records.done(); first = false) {
    Result<std::vector<Plaintext>> cells = records.Next();
    if (!cells) {
      return std::unexpected(cells.error());
    }
    if (first && !records.done() && LooksLikeHeader(*cells)) {
      names = std::move(*cells);
      continue;
    }
    writer.Add(BlockKind::kTable, 0, Describe(names, *cells));
    if (writer.too_large()) {
      break;
    }
  }
  return writer.Finish();
}

}  // namespace

Result<ParsedDocument> ParseCsv(PlaintextView text) {
  return ParseDelimited(text.Reveal(), SniffDelimiter(text.Reveal()));
}

Result<ParsedDocument> ParseTsv(PlaintextView text) { return ParseDelimited(text.Reveal(), '\t'); }

}  // namespace casemate::retrieval
