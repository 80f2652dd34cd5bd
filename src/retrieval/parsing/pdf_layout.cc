#include "retrieval/parsing/pdf_layout.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "retrieval/parsing/block_writer.h"

namespace casemate::retrieval {
namespace {

constexpr double kLarger = 1.12;       // letters of a heading, in parts of the text's
constexpr double kUsualLeading = 1.2;  // distance of lines, in parts of the letters' size
constexpr double kWiderLeading = 1.3;  // between paragraphs, in parts of the usual leading
constexpr std::size_t kMaxHeadingBytes = 200;
constexpr double kMostBold = 0.3;  // of a text whose bold lines may be headings
constexpr std::uint32_t kRunningPages = 3;
constexpr double kRunningShare = 0.4;  // of the pages that a running head stands on

std::string_view TextOf(const PdfLine& line) { return line.text.view().Reveal(); }

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}
bool HasLetter(std::string_view text) { return std::ranges::any_of(text, IsLetter); }

int HalfPoints(double size) { return static_cast<int>(std::lround(size * 2)); }

// What a document's lines have in common.
struct Measures {
  double size = 0;                 // of most letters
  double leading = kUsualLeading;  // of most lines, in parts of their size
  bool bold_is_rare = true;
  std::map<int, std::uint8_t, std::greater<>> levels;  // half points of larger lines -> level
};

bool IsLarge(const PdfLine& line, const Measures& measures) {
  return line.size >= measures.size * kLarger && TextOf(line).size() <= kMaxHeadingBytes &&
         HasLetter(TextOf(line));
}

Measures Measure(const std::vector<PdfLine>& lines) {
  Measures measures;
  std::map<int, std::size_t> sizes;
  std::map<int, std::size_t> leadings;  // in twentieths
  std::size_t bold = 0;
  std::size_t all = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const PdfLine& line = lines[i];
    sizes[HalfPoints(line.size)] += line.text.size();
    all += line.text.size();
    bold += line.bold ? line.text.size() : 0;
    if (i > 0 && lines[i - 1].page == line.page && line.size > 0) {
      const double distance = (line.y - lines[i - 1].y) / line.size;
      if (distance > 0.8 && distance < 3) {
        ++leadings[static_cast<int>(std::lround(distance * 20))];
      }
    }
  }
  const auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
  if (!sizes.empty()) {
    measures.size = std::ranges::max_element(sizes, by_count)->first / 2.0;
  }
  if (!leadings.empty()) {
    measures.leading = std::ranges::max_element(leadings, by_count)->first / 20.0;
  }
  measures.bold_is_rare = static_cast<double>(bold) <= kMostBold * static_cast<double>(all);
  for (const PdfLine& line : lines) {
    if (IsLarge(line, measures)) {
      measures.levels[HalfPoints(line.size)] = 0;
    }
  }
  // Sizes that differ by half a point are one.
  std::uint8_t level = 0;
  int last = 0;
  for (auto& [size, of_size] : measures.levels) {
    level =
        level == 0 || last - size > 1 ? static_cast<std::uint8_t>(std::min(level + 1, 6)) : level;
    of_size = level;
    last = size;
  }
  return measures;
}

// The text without digits, so that the heads of two pages are the same.
Plaintext WithoutDigits(std::string_view text) {
  Plaintext out;
  for (const char& c : text) {
    if (c < '0' || c > '9') {
      out.Append(PlaintextView::Of(std::string_view(&c, 1)));
    }
  }
  return out;
}

bool IsPageNumber(std::string_view text) {
  const bool digits = std::ranges::any_of(text, [](char c) { return c >= '0' && c <= '9'; });
  const Plaintext rest = WithoutDigits(text);
  return digits && text.size() < 24 && std::ranges::none_of(rest.view().Reveal(), IsLetter);
}

// Takes out what stands first or last on many pages, and page numbers there.
void RemoveRunningLines(std::vector<PdfLine>& lines) {
  std::map<std::uint32_t, std::pair<std::size_t, std::size_t>> ends;  // page -> top, bottom line
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto [at, added] = ends.try_emplace(lines[i].page, i, i);
    auto& [top, bottom] = at->second;
    top = lines[i].y < lines[top].y ? i : top;
    bottom = lines[i].y > lines[bottom].y ? i : bottom;
  }
  std::vector<std::pair<Plaintext, std::size_t>> outer;
  for (const auto& [page, both] : ends) {
    outer.emplace_back(WithoutDigits(TextOf(lines[both.first])), both.first);
    if (both.second != both.first) {
      outer.emplace_back(WithoutDigits(TextOf(lines[both.second])), both.second);
    }
  }
  std::map<std::string_view, std::uint32_t> counts;  // views of `outer`
  for (const auto& [text, line] : outer) {
    ++counts[text.view().Reveal()];
  }
  const auto often =
      std::max<double>(kRunningPages, kRunningShare * static_cast<double>(ends.size()));
  for (const auto& [text, line] : outer) {
    if (counts[text.view().Reveal()] >= often || IsPageNumber(TextOf(lines[line]))) {
      lines[line].text.Clear();
    }
  }
  std::erase_if(lines, [](const PdfLine& line) { return line.text.empty(); });
}

bool IsBullet(std::string_view text) {
  return text.starts_with("\u2022") || text.starts_with("\u25E6") || text.starts_with("\u25AA") ||
         text.starts_with("\u2013 ") || text.starts_with("- ") || text.starts_with("* ");
}

// "2.3 Title" is one level below "2 Title".
int NumberDepth(std::string_view text) {
  int depth = 0;
  std::size_t i = 0;
  while (i < text.size() && text[i] >= '0' && text[i] <= '9') {
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') {
      ++i;
    }
    ++depth;
    i += i < text.size() && text[i] == '.' ? 1 : 0;
  }
  return depth;
}

class Writer {
 public:
  explicit Writer(const Measures& measures) : measures_(measures) {}

  void Add(const PdfLine& line, bool alone) {
    const std::uint8_t level = LevelOf(line, alone);
    if (!open_ || Begins(line, level)) {
      Flush();
      level_ = level;
      kind_ = level > 0                ? BlockKind::kHeading
              : IsBullet(TextOf(line)) ? BlockKind::kListItem
                                       : BlockKind::kParagraph;
      text_ = Plaintext::Copy(line.text.view());
    } else {
      Join(line);
    }
    open_ = true;
    last_x_ = line.x;
    last_y_ = line.y;
    last_size_ = line.size;
    page_ = line.page;
  }

  Result<ParsedDocument> Finish(PlaintextView title) {
    Flush();
    out_.SetTitle(title);
    out_.SetTitle(first_heading_);
    return out_.Finish();
  }

 private:
  std::uint8_t LevelOf(const PdfLine& line, bool alone) const {
    if (const auto level = measures_.levels.find(HalfPoints(line.size));
        level != measures_.levels.end() && IsLarge(line, measures_)) {
      return level->second;
    }
    const std::string_view text = TextOf(line);
    if (!line.bold || !alone || !measures_.bold_is_rare || !HasLetter(text) ||
        text.size() > kMaxHeadingBytes / 2) {
      return 0;
    }
    const int lowest = measures_.levels.empty() ? 0 : measures_.levels.rbegin()->second;
    return static_cast<std::uint8_t>(std::min(lowest + std::max(NumberDepth(text), 1), 6));
  }

  bool Begins(const PdfLine& line, std::uint8_t level) const {
    if (line.page != page_ || level != level_ || IsBullet(TextOf(line)) ||
        std::abs(line.size - last_size_) > 1) {
      return true;
    }
    const double distance = line.y - last_y_;
    if (distance < 0) {  // the next column: goes on unless a sentence ended
      return level > 0 || text_.view().Reveal().ends_with('.');
    }
    const bool wide = distance > measures_.leading * kWiderLeading * line.size;
    const bool indented = level == 0 && kind_ == BlockKind::kParagraph &&
                          line.x - last_x_ > line.size && line.x - last_x_ < 5 * line.size &&
                          text_.view().Reveal().ends_with('.');
    return wide || indented;
  }

  void Join(const PdfLine& line) {
    const std::string_view text = TextOf(line);
    const bool hyphen = text_.view().Reveal().ends_with('-') && text_.size() > 1 &&
                        IsLetter(text_.view().Reveal()[text_.size() - 2]) && text[0] >= 'a' &&
                        text[0] <= 'z';
    if (hyphen) {
      text_.Truncate(text_.size() - 1);
    } else {
      text_.AppendLiteral(" ");
    }
    text_.Append(line.text);
  }

  void Flush() {
    out_.SetPage(page_);
    if (kind_ == BlockKind::kHeading && first_heading_.empty()) {
      first_heading_ = Plaintext::Copy(text_.view());
    }
    out_.Add(kind_, level_, text_);
    text_.Clear();
  }

  const Measures& measures_;
  BlockWriter out_;
  Plaintext text_;  // of the open block
  Plaintext first_heading_;
  BlockKind kind_ = BlockKind::kParagraph;
  std::uint8_t level_ = 0;
  bool open_ = false;
  double last_x_ = 0;
  double last_y_ = 0;
  double last_size_ = 0;
  std::uint32_t page_ = 0;
};

}  // namespace

Result<ParsedDocument> LayOutPdf(std::vector<PdfLine> lines, PlaintextView title) {
  RemoveRunningLines(lines);
  const Measures measures = Measure(lines);
  Writer writer(measures);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // A bold line heads something where what follows is not bold, or it ends its page.
    const bool alone =
        i + 1 == lines.size() || lines[i + 1].page != lines[i].page || !lines[i + 1].bold;
    const bool after_bold = i > 0 && lines[i - 1].page == lines[i].page && lines[i - 1].bold &&
                            lines[i].y - lines[i - 1].y < measures.leading * lines[i].size * 1.1;
    writer.Add(lines[i], alone && !after_bold);
  }
  return writer.Finish(title);
}

}  // namespace casemate::retrieval
