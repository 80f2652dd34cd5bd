#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "assess/yaml/node.h"
#include "base/error.h"

namespace casemate::assess {

// One service as its vendor documents it, in the words of pipeline files:
// docs/formats/catalogue.md.
struct CatalogueEntry {
  std::string id;  // what `use:` names
  std::string vendor;
  std::string service;
  std::string model;          // "*" for all
  std::string configuration;  // "default", "CMEK + EKM", ...
  std::string date;           // when somebody looked last, YYYY-MM-DD
  std::string extends;        // another entry that this one changes, or empty
  std::string file;           // for errors
  yaml::Node root;
};

// The services that `use:` can name. Built in from data/catalogue; a folder replaces them.
class Catalogue {
 public:
  static constexpr std::size_t kMaxEntries = 1000;
  static constexpr std::size_t kMaxExtends = 4;  // entries in a row

  Catalogue() = default;  // without entries
  // Every *.yaml of the folder. Errors: kNotFound, kInvalidArgument with FILE:LINE:COLUMN.
  [[nodiscard]] static Result<Catalogue> FromFolder(const std::filesystem::path& folder);
  [[nodiscard]] static Result<Catalogue> BuiltIn();
  // (name, text) of each file.
  [[nodiscard]] static Result<Catalogue> FromTexts(
      const std::vector<std::pair<std::string, std::string>>& files);

  // One more entry. Errors: kInvalidArgument with FILE:LINE:COLUMN, or its id is there already.
  [[nodiscard]] Result<void> Add(const std::string& file, std::string_view text);

  const std::map<std::string, CatalogueEntry, std::less<>>& entries() const { return entries_; }
  // The entry and what it extends, the most general first.
  // Errors: kNotFound, with what may have been meant; kInvalidArgument: extends itself, or too
  // long.
  [[nodiscard]] Result<std::vector<const CatalogueEntry*>> Chain(std::string_view id) const;

 private:
  std::map<std::string, CatalogueEntry, std::less<>> entries_;
};

}  // namespace casemate::assess
