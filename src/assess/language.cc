#include "assess/language.h"

#include "assess/data.h"
#include "assess/yaml/node.h"

namespace casemate::assess {

Result<Language> Language::BuiltIn(std::string_view code) {
  const std::vector<DataFile> files = DataFiles("texts/" + std::string(code) + ".yaml");
  if (files.size() != 1) {
    return Fail(ErrorCode::kNotFound,
                "no texts in \"" + std::string(code) + "\"; en and de are there");
  }
  Language language;
  language.code_ = code;
  for (const std::string& name :
       {"texts/" + language.code_ + ".yaml", "texts/compliance." + language.code_ + ".yaml"}) {
    const DataFile file = DataFiles(name).at(0);
    Result<yaml::Node> root = yaml::Parse(file.text);
    if (!root) {
      return Wrap(root.error(), file.name);
    }
    for (yaml::Entry& entry : root->entries) {
      if (entry.name != "casemate" && entry.name != "language") {
        language.texts_.emplace(std::move(entry.name), std::move(entry.value.text));
      }
    }
  }
  return language;
}

std::string Language::Get(std::string_view name) const {
  const auto found = texts_.find(name);
  return found == texts_.end() ? std::string(name) : found->second;
}

std::string Language::Fill(std::string_view name,
                           std::initializer_list<std::string_view> values) const {
  std::string text = Get(name);
  std::size_t from = 0;
  for (const std::string_view value : values) {
    const std::size_t at = text.find("{}", from);
    if (at == std::string::npos) {
      break;
    }
    text.replace(at, 2, value);
    from = at + value.size();
  }
  return text;
}

std::vector<std::string> Language::Names() const {
  std::vector<std::string> names;
  names.reserve(texts_.size());
  for (const auto& [name, text] : texts_) {
    names.push_back(name);
  }
  return names;
}

}  // namespace casemate::assess
