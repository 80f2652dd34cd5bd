#include <algorithm>
#include <numeric>
#include <set>

#include "config/deployment_config.h"
#include "config/setting.h"
#include "config/toml_library_internal.h"

namespace casemate::config {
namespace {

std::string At(std::string_view file, const toml::source_region& source) {
  return std::string(file) + ":" + std::to_string(source.begin.line) + ": ";
}

// Levenshtein's distance: insertions, deletions and changes of one character.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string Nearest(std::string_view name, const std::set<std::string>& known) {
  // Longer ones are no misspelling, and distance costs the product of the lengths.
  name = name.substr(0, 64);
  return *std::ranges::min_element(
      known, {}, [name](const std::string& candidate) { return Distance(name, candidate); });
}

std::string Shown(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, 64)) {
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? '?' : c);
  }
  return "'" + out + (name.size() > 64 ? "...'" : "'");
}

std::string_view TypeName(toml::node_type type) {
  switch (type) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

// `node` as the type that `like` has. Errors: "expected ..., found ...".
Result<Value> Convert(const toml::node& node, const Value& like) {
  std::string_view wanted = "a list of strings";
  if (std::holds_alternative<bool>(like)) {
    if (const auto* flag = node.as_boolean()) {
      return flag->get();
    }
    wanted = "true or false";
  } else if (std::holds_alternative<std::int64_t>(like)) {
    if (const auto* number = node.as_integer()) {
      return number->get();
    }
    wanted = "a whole number";
  } else if (std::holds_alternative<std::string>(like)) {
    if (const auto* text = node.as_string()) {
      return text->get();
    }
    wanted = "a string";
  } else if (const toml::array* array = node.as_array()) {
    std::vector<std::string> items;
    for (const toml::node& item : *array) {
      const auto* text = item.as_string();
      if (text == nullptr) {
        return Fail(ErrorCode::kInvalidArgument, "expected a list of strings, found " +
                                                     std::string(TypeName(item.type())) + " in it");
      }
      items.push_back(text->get());
    }
    return items;
  }
  return Fail(ErrorCode::kInvalidArgument,
              "expected " + std::string(wanted) + ", found " + std::string(TypeName(node.type())));
}

std::unexpected<Error> Refuse(const std::string& at, const std::string& message) {
  return Fail(ErrorCode::kInvalidArgument, at + message);
}

Result<void> ReadSection(const toml::table& table, std::string_view section, std::string_view file,
                         DeploymentConfig& config) {
  std::set<std::string> known;
  for (const Setting& setting : Settings()) {
    if (setting.section == section) {
      known.emplace(setting.key);
    }
  }
  for (const auto& [key, node] : table) {
    const auto setting = std::ranges::find_if(Settings(), [&](const Setting& candidate) {
      return candidate.section == section && candidate.key == key.str();
    });
    const std::string at = At(file, key.source());
    if (setting == Settings().end()) {
      return Refuse(at, "[" + std::string(section) + "]: expected a known name, found " +
                            Shown(key.str()) + "; the nearest is '" + Nearest(key.str(), known) +
                            "'");
    }
    const std::string name = std::string(section) + "." + std::string(setting->key) + ": ";
    if (!setting->replaced_by.empty() && table.contains(setting->replaced_by)) {
      return Refuse(at, name + "expected only '" + std::string(setting->replaced_by) +
                            "', which has taken its place; take this line out");
    }
    const Result<Value> value = Convert(node, setting->get(config));
    if (!value) {
      return Refuse(at, name + value.error().message);
    }
    if (const Result<void> set = setting->set(*value, config); !set) {
      return Refuse(at, name + set.error().message);
    }
  }
  return {};
}

}  // namespace

Result<DeploymentConfig> ParseConfig(std::string_view text, std::string_view file) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return Refuse(At(file, parsed.error().source()),
                  "expected TOML: " + std::string(parsed.error().description()));
  }
  std::set<std::string> sections;
  for (const Setting& setting : Settings()) {
    sections.emplace(setting.section);
  }
  DeploymentConfig config;
  for (const auto& [key, node] : parsed.table()) {
    const std::string at = At(file, key.source());
    const std::string name(key.str());
    if (!sections.contains(name)) {
      return Refuse(at, "expected a known section, found " + Shown(name) + "; the nearest is [" +
                            Nearest(name, sections) + "]");
    }
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      std::string message = name;
      message.append(": expected a section [").append(name).append("], found ");
      return Refuse(at, message.append(TypeName(node.type())));
    }
    if (const Result<void> read = ReadSection(*table, name, file, config); !read) {
      return std::unexpected(read.error());
    }
  }
  return config;
}

}  // namespace casemate::config
