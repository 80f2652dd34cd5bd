#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "retrieval/parsing/block_writer.h"
#include "retrieval/parsing/decode.h"
#include "retrieval/parsing/html.h"
#include "retrieval/parsing/office.h"
#include "retrieval/parsing/xml.h"
#include "retrieval/parsing/zip.h"

namespace casemate::retrieval {
namespace {

constexpr char kContainer[] = "META-INF/container.xml";
constexpr char kEncryption[] = "META-INF/encryption.xml";
constexpr std::size_t kMaxChapters = 10'000;

// Names of files in the book. Compared and looked up, never opened.
std::string PercentDecoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// `href` as it stands in the file `base`, from the book's root, without "." and "..".
std::string Resolve(const std::string& base, std::string_view href) {
  const std::size_t slash = base.rfind('/');
  const std::string whole = (slash == std::string::npos ? "" : base.substr(0, slash + 1)) +
                            PercentDecoded(href.substr(0, href.find('#')));
  std::vector<std::string_view> parts;
  for (std::string_view rest = whole; !rest.empty();) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (part == ".." && !parts.empty()) {
      parts.pop_back();
    } else if (!part.empty() && part != "." && part != "..") {
      parts.push_back(part);
    }
  }
  std::string out;
  for (const std::string_view part : parts) {
    out += (out.empty() ? "" : "/") + std::string(part);
  }
  return out;
}

class ContainerReader : public XmlHandler {
 public:
  void Start(const XmlName& name, const XmlAttributes& attributes) override {
    if (name.local == "rootfile" && path_.empty()) {
      path_ = attributes.Get("full-path");
    }
  }
  void End(const XmlName&) override {}
  void Text(PlaintextView) override {}
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Which files are encrypted; fonts that are only obfuscated are among them.
class EncryptionReader : public XmlHandler {
 public:
  void Start(const XmlName& name, const XmlAttributes& attributes) override {
    if (name.local == "CipherReference" && files_.size() < kMaxZipEntries) {
      files_.insert(Resolve("", attributes.Get("URI")));
    }
  }
  void End(const XmlName&) override {}
  void Text(PlaintextView) override {}
  const std::set<std::string>& files() const { return files_; }

 private:
  std::set<std::string> files_;
};

class PackageReader : public XmlHandler {
 public:
  explicit PackageReader(std::string path) : path_(std::move(path)) {}

  void Start(const XmlName& name, const XmlAttributes& attributes) override {
    in_title_ = name.local == "title" && title_.empty();
    if (name.local == "item" && items_.size() < kMaxZipEntries) {
      const std::string_view type = attributes.Get("media-type");
      const bool page = type == "application/xhtml+xml" || type == "text/html";
      const bool contents = attributes.Get("properties").find("nav") != std::string_view::npos;
      if (page && !contents) {
        items_[std::string(attributes.Get("id"))] = Resolve(path_, attributes.Get("href"));
      }
    } else if (name.local == "itemref" && spine_.size() < kMaxChapters) {
      spine_.emplace_back(attributes.Get("idref"));
    }
  }
  void End(const XmlName&) override { in_title_ = false; }
  void Text(PlaintextView text) override {
    if (in_title_) {
      title_.Append(text);
    }
  }

  PlaintextView title() const { return title_; }
  // The files of the spine, in its order, each once.
  std::vector<std::string> Chapters() const {
    std::vector<std::string> chapters;
    std::set<std::string> seen;
    for (const std::string& id : spine_) {
      const auto item = items_.find(id);
      if (item != items_.end() && seen.insert(item->second).second) {
        chapters.push_back(item->second);
      }
    }
    return chapters;
  }

 private:
  std::string path_;
  std::map<std::string, std::string> items_;
  std::vector<std::string> spine_;
  Plaintext title_;
  bool in_title_ = false;
};

// XHTML may write "<title/>", which HTML reads as a title that never ends: the slash of the
// elements that hold no markup is read as XML means it.
Plaintext WithoutEmptyElements(std::string_view text) {
  constexpr std::string_view kRaw[] = {"<title",    "<script", "<style",
                                       "<textarea", "<iframe", "<noscript"};
  Plaintext out;
  out.Reserve(text.size());
  std::size_t run = 0;
  for (std::size_t at = text.find('<'); at != text.npos; at = text.find('<', at + 1)) {
    const std::string_view rest = text.substr(at);
    if (std::ranges::none_of(kRaw, [&](std::string_view raw) { return rest.starts_with(raw); })) {
      continue;
    }
    const std::size_t end = rest.find('>');
    if (end == rest.npos) {
      break;
    }
    if (rest[end - 1] == '/') {
      out.Append(PlaintextView::Of(text.substr(run, at - run)));
      run = at + end + 1;
    }
    at += end;
  }
  out.Append(PlaintextView::Of(text.substr(run)));
  return out;
}

Result<std::map<std::string, Plaintext>> ReadFirst(PlaintextView archive, const char* name) {
  Result<std::map<std::string, Plaintext>> parts = ReadZip(archive, {name, kEncryption});
  if (parts && !parts->contains(name)) {
    return Fail(ErrorCode::kInvalidArgument,
                "broken: a book without its container or package file; save it again");
  }
  return parts;
}

Result<ParsedDocument> ReadChapters(PlaintextView archive, const PackageReader& package,
                                    const std::set<std::string>& encrypted) {
  const std::vector<std::string> chapters = package.Chapters();
  if (std::ranges::any_of(chapters, [&](const auto& name) { return encrypted.contains(name); })) {
    return Fail(ErrorCode::kInvalidArgument,
                "encrypted (DRM): only books without copy protection are read");
  }
  Result<std::map<std::string, Plaintext>> files =
      ReadZip(archive, std::set<std::string>(chapters.begin(), chapters.end()));
  if (!files) {
    return std::unexpected(files.error());
  }
  BlockWriter writer;
  writer.SetTitle(package.title());
  for (const std::string& name : chapters) {
    const auto file = files->find(name);
    if (file == files->end() || file->second.empty()) {
      continue;
    }
    Result<Plaintext> text = DecodeText(file->second);
    if (!text) {
      return Wrap(text.error(), "a chapter");
    }
    Result<ParsedDocument> chapter = ParseHtml(WithoutEmptyElements(text->view().Reveal()));
    if (!chapter) {
      return std::unexpected(chapter.error());
    }
    writer.AddDocument(*chapter, 0);
  }
  return writer.Finish();
}

}  // namespace

Result<ParsedDocument> ParseEpub(PlaintextView archive) {
  Result<std::map<std::string, Plaintext>> first = ReadFirst(archive, kContainer);
  if (!first) {
    return std::unexpected(first.error());
  }
  ContainerReader container;
  if (Result<void> read = ReadXml(first->at(kContainer), container); !read) {
    return std::unexpected(read.error());
  }
  EncryptionReader encryption;
  if (const auto part = first->find(kEncryption); part != first->end()) {
    if (Result<void> read = ReadXml(part->second, encryption); !read) {
      return std::unexpected(read.error());
    }
  }
  Result<std::map<std::string, Plaintext>> second = ReadFirst(archive, container.path().c_str());
  if (!second) {
    return std::unexpected(second.error());
  }
  PackageReader package(container.path());
  if (Result<void> read = ReadXml(second->at(container.path()), package); !read) {
    return std::unexpected(read.error());
  }
  return ReadChapters(archive, package, encryption.files());
}

}  // namespace casemate::retrieval
