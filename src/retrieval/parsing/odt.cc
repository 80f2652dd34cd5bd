#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include "retrieval/parsing/office.h"
#include "retrieval/parsing/office_writer.h"
#include "retrieval/parsing/xml.h"
#include "retrieval/parsing/zip.h"

namespace casemate::retrieval {
namespace {

constexpr std::string_view kText = "urn:oasis:names:tc:opendocument:xmlns:text:1.0";
constexpr std::string_view kTable = "urn:oasis:names:tc:opendocument:xmlns:table:1.0";
constexpr std::string_view kOffice = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";

class ContentReader : public XmlHandler {
 public:
  void Start(const XmlName& name, const XmlAttributes& attributes) override {
    if (skipped_ > 0 || IsSkipped(name)) {
      ++skipped_;
      return;
    }
    if (name.space == kText) {
      StartText(name.local, attributes);
    } else if (name.space == kTable && name.local == "table") {
      out_.BeginTable();
    } else if (name.space == kOffice && name.local == "text") {
      body_ = true;
    }
  }

  void End(const XmlName& name) override {
    if (skipped_ > 0) {
      --skipped_;
      return;
    }
    if (name.space == kText) {
      EndText(name.local);
    } else if (name.space == kTable) {
      if (name.local == "table-cell") {
        out_.EndCell();
      } else if (name.local == "table-row") {
        out_.EndRow();
      } else if (name.local == "table") {
        out_.EndTable();
      }
    }
  }

  void Text(PlaintextView text) override {
    if (skipped_ == 0) {
      out_.Text(text);
    }
  }

  bool body() const { return body_; }
  BlockWriter& blocks() { return out_.blocks(); }

 private:
  static bool IsSkipped(const XmlName& name) {
    if (name.space == kText) {
      return name.local == "tracked-changes" || name.local == "table-of-content" ||
             name.local == "note-citation" || name.local == "sequence-decls";
    }
    return name.space == kOffice && (name.local == "annotation" || name.local == "scripts");
  }

  void StartText(std::string_view name, const XmlAttributes& attributes) {
    if (name == "h") {
      int level = 1;
      const std::string_view given = attributes.Get("outline-level");
      (void)std::from_chars(given.data(), given.data() + given.size(), level);
      out_.BeginParagraph(BlockKind::kHeading, static_cast<std::uint8_t>(std::clamp(level, 1, 6)));
    } else if (name == "p") {
      const bool title = attributes.Get("style-name") == "Title";
      const BlockKind kind = title        ? BlockKind::kHeading
                             : items_ > 0 ? BlockKind::kListItem
                                          : BlockKind::kParagraph;
      out_.BeginParagraph(kind, title ? 1 : 0);
    } else if (name == "list-item") {
      ++items_;
    } else if (name == "note-body") {
      out_.BeginNote();
    } else if (name == "tab" || name == "line-break") {
      out_.Text(PlaintextView::Of(" "));
    } else if (name == "s") {
      out_.Text(PlaintextView::Of(" "));
    }
  }

  void EndText(std::string_view name) {
    if (name == "h" || name == "p") {
      out_.EndParagraph();
    } else if (name == "list-item") {
      items_ -= items_ > 0 ? 1 : 0;
    } else if (name == "note-body") {
      out_.EndNote();
    }
  }

  OfficeWriter out_;
  bool body_ = false;        // it is a text, no spreadsheet or drawing
  std::size_t items_ = 0;    // open list items
  std::size_t skipped_ = 0;  // open elements whose content is left out
};

class MetaReader : public XmlHandler {
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

class ManifestReader : public XmlHandler {
 public:
  void Start(const XmlName& name, const XmlAttributes&) override {
    encrypted_ = encrypted_ || name.local == "encryption-data";
  }
  void End(const XmlName&) override {}
  void Text(PlaintextView) override {}
  bool encrypted() const { return encrypted_; }

 private:
  bool encrypted_ = false;
};

}  // namespace

Result<ParsedDocument> ParseOdt(PlaintextView archive) {
  Result<std::map<std::string, Plaintext>> parts =
      ReadZip(archive, {"content.xml", "meta.xml", "META-INF/manifest.xml"});
  if (!parts) {
    return std::unexpected(parts.error());
  }
  const auto read = [&](const char* name, XmlHandler& handler) {
    const auto part = parts->find(name);
    return part == parts->end() ? Result<void>() : ReadXml(part->second, handler);
  };
  ManifestReader manifest;
  if (Result<void> done = read("META-INF/manifest.xml", manifest); !done) {
    return std::unexpected(done.error());
  }
  if (manifest.encrypted()) {
    return Fail(ErrorCode::kInvalidArgument, "encrypted: remove the password first");
  }
  MetaReader meta;
  if (Result<void> done = read("meta.xml", meta); !done) {
    return std::unexpected(done.error());
  }
  ContentReader content;
  if (Result<void> done = read("content.xml", content); !done) {
    return std::unexpected(done.error());
  }
  if (!content.body()) {
    return Fail(ErrorCode::kInvalidArgument,
                "an OpenDocument file that is no text (a spreadsheet, slides): save it as CSV or "
                "PDF");
  }
  content.blocks().SetTitle(meta.title());
  return content.blocks().Finish();
}

}  // namespace casemate::retrieval
