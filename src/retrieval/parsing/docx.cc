#include <charconv>
#include <map>
#include <string>

#include "retrieval/parsing/office.h"
#include "retrieval/parsing/office_writer.h"
#include "retrieval/parsing/xml.h"
#include "retrieval/parsing/zip.h"

namespace casemate::retrieval {
namespace {

constexpr std::string_view kStyles = "word/styles.xml";
constexpr std::string_view kDocument = "word/document.xml";
constexpr std::string_view kFootnotes = "word/footnotes.xml";
constexpr std::string_view kEndnotes = "word/endnotes.xml";
constexpr std::string_view kCore = "docProps/core.xml";
constexpr std::size_t kMaxStyles = 10'000;
constexpr std::size_t kMaxNotes = 100'000;
constexpr int kMaxBasedOn = 16;  // styles that a style is based on, one after the other

// Transitional and strict (ECMA-376, parts 1 and 4).
bool IsWord(const XmlName& name) {
  return name.space == "http://schemas.openxmlformats.org/wordprocessingml/2006/main" ||
         name.space == "http://purl.oclc.org/ooxml/wordprocessingml/main";
}

int Number(std::string_view text) {
  int number = -1;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size() ? number : -1;
}

// Level of "heading 3" is 3, "Title" is the title; case differs between producers.
std::uint8_t LevelOfName(std::string_view name) {
  constexpr std::string_view kHeading = "heading ";
  std::string lower(name.substr(0, 32));
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (!lower.starts_with(kHeading)) {
    return 0;
  }
  const int level = Number(std::string_view(lower).substr(kHeading.size()));
  return level >= 1 && level <= 9 ? static_cast<std::uint8_t>(std::min(level, 6)) : 0;
}

struct Style {
  std::uint8_t level = 0;  // of a heading
  bool is_title = false;
  std::string based_on;
};
using Styles = std::map<std::string, Style, std::less<>>;

class StyleReader : public XmlHandler {
 public:
  void Start(const XmlName& name, const XmlAttributes& attributes) override {
    if (!IsWord(name)) {
      return;
    }
    const std::string_view value = attributes.Get("val");
    if (name.local == "style" && styles_.size() < kMaxStyles) {
      current_ = &styles_[std::string(attributes.Get("styleId"))];
    } else if (current_ == nullptr) {
      return;
    } else if (name.local == "name") {
      current_->level = LevelOfName(value);
      current_->is_title = value == "Title" || value == "title";
    } else if (name.local == "basedOn") {
      current_->based_on = value;
    } else if (name.local == "outlineLvl" && current_->level == 0) {
      const int level = Number(value);
      current_->level = level >= 0 && level < 9 ? static_cast<std::uint8_t>(std::min(level + 1, 6))
                                                : std::uint8_t{0};
    }
  }
  void End(const XmlName& name) override {
    if (IsWord(name) && name.local == "style") {
      current_ = nullptr;
    }
  }
  void Text(PlaintextView) override {}

  Styles Take() { return std::move(styles_); }

 private:
  Styles styles_;
  Style* current_ = nullptr;
};

// The text of footnotes and endnotes, by their ids.
using Notes = std::map<std::string, Plaintext, std::less<>>;

class NoteReader : public XmlHandler {
 public:
  void Start(const XmlName& name, const XmlAttributes& attributes) override {
    if (!IsWord(name)) {
      return;
    }
    if ((name.local == "footnote" || name.local == "endnote") && notes_.size() < kMaxNotes) {
      // Separators are notes by form.
      const std::string_view type = attributes.Get("type");
      current_ =
          type.empty() || type == "normal" ? &notes_[std::string(attributes.Get("id"))] : nullptr;
    }
    in_text_ = name.local == "t";
    if ((name.local == "p" || name.local == "tab" || name.local == "br") && current_ != nullptr) {
      current_->AppendLiteral(" ");
    }
  }
  void End(const XmlName& name) override {
    in_text_ = false;
    if (IsWord(name) && (name.local == "footnote" || name.local == "endnote")) {
      current_ = nullptr;
    }
  }
  void Text(PlaintextView text) override {
    if (in_text_ && current_ != nullptr) {
      current_->Append(text);
    }
  }
  Notes Take() { return std::move(notes_); }

 private:
  Notes notes_;
  Plaintext* current_ = nullptr;
  bool in_text_ = false;
};

class TitleReader : public XmlHandler {
 public:
  void Start(const XmlName& name, const XmlAttributes&) override {
    inside_ = name.local == "title" && name.space == "http://purl.org/dc/elements/1.1/";
  }
  void End(const XmlName&) override { inside_ = false; }
  void Text(PlaintextView text) override {
    if (inside_) {
      title_.Append(text);
    }
  }
  PlaintextView title() const { return title_; }

 private:
  Plaintext title_;
  bool inside_ = false;
};

class DocumentReader : public XmlHandler {
 public:
  DocumentReader(const Styles& styles, const Notes& footnotes, const Notes& endnotes)
      : styles_(styles), footnotes_(footnotes), endnotes_(endnotes) {}

  void Start(const XmlName& name, const XmlAttributes& attributes) override {
    if (name.local == "Fallback" || skipped_ > 0) {  // the same again for older programs
      ++skipped_;
      return;
    }
    if (name.local == "t") {
      in_text_ = true;  // also of formulas: m:t
    } else if (IsWord(name)) {
      StartWord(name.local, attributes);
    }
  }

  void End(const XmlName& name) override {
    if (skipped_ > 0) {
      --skipped_;
      return;
    }
    if (name.local == "t") {
      in_text_ = false;
    }
    if (!IsWord(name)) {
      return;
    }
    if (name.local == "p") {
      out_.EndParagraph();
    } else if (name.local == "tc") {
      out_.EndCell();
    } else if (name.local == "tr") {
      out_.EndRow();
    } else if (name.local == "tbl") {
      out_.EndTable();
    }
  }

  void Text(PlaintextView text) override {
    if (in_text_ && skipped_ == 0) {
      out_.Text(text);
    }
  }

  BlockWriter& blocks() { return out_.blocks(); }

 private:
  void StartWord(std::string_view name, const XmlAttributes& attributes) {
    if (name == "p") {
      out_.BeginParagraph(BlockKind::kParagraph, 0);
    } else if (name == "pStyle") {
      ApplyStyle(attributes.Get("val"));
    } else if (name == "outlineLvl") {
      const int level = Number(attributes.Get("val"));
      if (level >= 0 && level < 6) {
        out_.SetKind(BlockKind::kHeading, static_cast<std::uint8_t>(level + 1));
      }
    } else if (name == "numPr" && !heading_) {
      out_.SetKind(BlockKind::kListItem, 0);
    } else if (name == "tbl") {
      out_.BeginTable();
    } else if (name == "tab" || name == "br" || name == "cr" || name == "ptab") {
      out_.Text(PlaintextView::Of(" "));
    } else if (name == "noBreakHyphen") {
      out_.Text(PlaintextView::Of("-"));
    } else if (name == "footnoteReference") {
      PutNote(footnotes_, attributes.Get("id"));
    } else if (name == "endnoteReference") {
      PutNote(endnotes_, attributes.Get("id"));
    }
    if (name == "p") {
      heading_ = false;
    }
  }

  void ApplyStyle(std::string_view id) {
    for (int i = 0; i < kMaxBasedOn; ++i) {
      const auto style = styles_.find(id);
      if (style == styles_.end()) {
        return;
      }
      if (style->second.is_title || style->second.level > 0) {
        heading_ = true;
        out_.SetKind(BlockKind::kHeading, std::max<std::uint8_t>(style->second.level, 1));
        return;
      }
      id = style->second.based_on;
    }
  }

  void PutNote(const Notes& notes, std::string_view id) {
    if (const auto note = notes.find(id); note != notes.end()) {
      out_.BeginNote();
      out_.BeginParagraph(BlockKind::kParagraph, 0);
      out_.Text(note->second);
      out_.EndParagraph();
      out_.EndNote();
    }
  }

  const Styles& styles_;
  const Notes& footnotes_;
  const Notes& endnotes_;
  OfficeWriter out_;
  bool in_text_ = false;
  bool heading_ = false;     // the paragraph's style said so: numbered headings are no list items
  std::size_t skipped_ = 0;  // open elements whose content is left out
};

}  // namespace

Result<ParsedDocument> ParseDocx(PlaintextView archive) {
  Result<std::map<std::string, Plaintext>> parts =
      ReadZip(archive, {std::string(kStyles), std::string(kDocument), std::string(kFootnotes),
                        std::string(kEndnotes), std::string(kCore)});
  if (!parts) {
    return std::unexpected(parts.error());
  }
  const auto read = [&](std::string_view name, XmlHandler& handler) {
    const auto part = parts->find(std::string(name));
    return part == parts->end() ? Result<void>() : ReadXml(part->second, handler);
  };
  StyleReader styles;
  NoteReader footnotes;
  NoteReader endnotes;
  TitleReader title;
  for (const auto& [name, handler] : {std::pair<std::string_view, XmlHandler*>{kStyles, &styles},
                                      {kFootnotes, &footnotes},
                                      {kEndnotes, &endnotes},
                                      {kCore, &title}}) {
    if (Result<void> done = read(name, *handler); !done) {
      return std::unexpected(done.error());
    }
  }
  const Styles known = styles.Take();
  const Notes below = footnotes.Take();
  const Notes behind = endnotes.Take();
  DocumentReader document(known, below, behind);
  if (Result<void> done = read(kDocument, document); !done) {
    return std::unexpected(done.error());
  }
  document.blocks().SetTitle(title.title());
  return document.blocks().Finish();
}

}  // namespace casemate::retrieval
