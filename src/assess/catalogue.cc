#include "assess/catalogue.h"

#include <algorithm>

#include "assess/data.h"
#include "assess/fact.h"
#include "assess/pipeline_reader.h"
#include "assess/vocabulary.h"
#include "base/file.h"

namespace casemate::assess {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = 10'000'000;

std::unexpected<Error> In(const std::string& file, Error error) {
  error.message = file + ":" + error.message;
  return std::unexpected(std::move(error));
}

Result<CatalogueEntry> ReadEntry(const std::string& file, std::string_view text) {
  Result<yaml::Node> root = yaml::Parse(text);
  if (!root) {
    return std::unexpected(root.error());
  }
  Result<std::string> what = TextOf(*root, "casemate");
  if (!what || *what != "catalogue") {
    return yaml::FailAt(root->mark, "expected \"casemate: catalogue\" at the beginning");
  }
  std::vector<std::string_view> names = {"casemate",      "id",   "vendor",  "service", "model",
                                         "configuration", "date", "extends", "sources", "evidence"};
  for (std::size_t i = 0; i < kKinds; ++i) {
    names.push_back(InfoOf(static_cast<Kind>(i)).section);
  }
  if (Result<void> only = OnlyNames(*root, names, "an entry of the catalogue"); !only) {
    return std::unexpected(only.error());
  }
  CatalogueEntry entry;
  entry.file = file;
  for (const auto& [name, target] :
       {std::pair{"id", &entry.id}, std::pair{"vendor", &entry.vendor},
        std::pair{"service", &entry.service}, std::pair{"model", &entry.model},
        std::pair{"configuration", &entry.configuration}, std::pair{"date", &entry.date}}) {
    Result<std::string> value = RequiredText(*root, name);
    if (!value) {
      return std::unexpected(value.error());
    }
    *target = *std::move(value);
  }
  Result<std::string> extends = TextOf(*root, "extends");
  if (!extends) {
    return std::unexpected(extends.error());
  }
  entry.extends = *std::move(extends);
  if (!IsId(entry.id)) {
    return yaml::FailAt(root->Get("id")->mark, "id: expected 1 to 64 of a-z, 0-9, '.', '_', '-'");
  }
  if (!IsDate(entry.date)) {
    return yaml::FailAt(root->Get("date")->mark, "date: expected YYYY-MM-DD");
  }
  entry.root = *std::move(root);
  return entry;
}

}  // namespace

Result<Catalogue> Catalogue::FromTexts(
    const std::vector<std::pair<std::string, std::string>>& files) {
  Catalogue catalogue;
  if (files.size() > kMaxEntries) {
    return Fail(ErrorCode::kTooLarge, "a catalogue of more than 1000 entries");
  }
  for (const auto& [file, text] : files) {
    if (Result<void> added = catalogue.Add(file, text); !added) {
      return std::unexpected(added.error());
    }
  }
  return catalogue;
}

Result<void> Catalogue::Add(const std::string& file, std::string_view text) {
  Result<CatalogueEntry> entry = ReadEntry(file, text);
  if (!entry) {
    return In(file, entry.error());
  }
  if (const auto other = entries_.find(entry->id); other != entries_.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                file + ": \"" + entry->id + "\" is in " + other->second.file + " already");
  }
  std::string id = entry->id;
  entries_.emplace(std::move(id), *std::move(entry));
  return {};
}

Result<Catalogue> Catalogue::FromFolder(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".yaml") {
      paths.push_back(entry.path());
    }
  }
  if (error) {
    return Fail(ErrorCode::kNotFound, folder.string() + ": " + error.message());
  }
  std::ranges::sort(paths);
  std::vector<std::pair<std::string, std::string>> files;
  for (const fs::path& path : paths) {
    Result<Bytes> text = ReadFile(path, kMaxFileBytes);
    if (!text) {
      return Wrap(text.error(), path.string());
    }
    files.emplace_back(path.string(), AsText(*text));
  }
  return FromTexts(files);
}

Result<Catalogue> Catalogue::BuiltIn() {
  std::vector<std::pair<std::string, std::string>> files;
  for (const DataFile& file : DataFiles("catalogue/")) {
    files.emplace_back(file.name, file.text);
  }
  return FromTexts(files);
}

Result<std::vector<const CatalogueEntry*>> Catalogue::Chain(std::string_view id) const {
  std::vector<const CatalogueEntry*> chain;
  std::string_view next = id;
  while (!next.empty()) {
    const auto found = entries_.find(next);
    if (found == entries_.end()) {
      std::vector<std::string_view> known;
      known.reserve(entries_.size());
      for (const auto& [name, entry] : entries_) {
        known.push_back(name);
      }
      return Fail(ErrorCode::kNotFound, "the catalogue has no \"" + std::string(next) + "\"" +
                                            yaml::DidYouMean(next, known));
    }
    if (chain.size() == kMaxExtends) {
      return Fail(ErrorCode::kInvalidArgument,
                  "\"" + std::string(id) + "\" extends more than 4 others, or itself");
    }
    chain.push_back(&found->second);
    next = found->second.extends;
  }
  std::ranges::reverse(chain);
  return chain;
}

}  // namespace casemate::assess
