#include "config/toml_records.h"

#include <algorithm>
#include <optional>

#include "config/toml_library_internal.h"

namespace casemate::config {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  Result<std::vector<TomlRecord>> Read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      Result<void> read = ReadSection(std::string(key.str()), node);
      if (!read) {
        return std::unexpected(read.error());
      }
    }
    // toml++ sorts by name; people read from top to bottom.
    std::ranges::stable_sort(records_, {}, &TomlRecord::line);
    return std::move(records_);
  }
  std::unexpected<Error> Refuse(std::uint32_t line, const std::string& message) const {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(file_) + ":" + std::to_string(line) + ": " + message);
  }

 private:
  Result<void> ReadSection(const std::string& name, const toml::node& node) {
    if (const toml::table* table = node.as_table()) {
      return ReadRecord(name, *table);
    }
    const toml::array* array = node.as_array();
    if (array == nullptr) {
      return Refuse(
          node.source().begin.line,
          "expected a section such as [plan] or [[hop]] before '" + name.substr(0, 64) + "'");
    }
    for (const toml::node& item : *array) {
      const toml::table* table = item.as_table();
      if (table == nullptr) {
        return Refuse(item.source().begin.line,
                      "expected [[" + name.substr(0, 64) + "]], found a list");
      }
      if (Result<void> read = ReadRecord(name, *table); !read) {
        return read;
      }
    }
    return {};
  }

  Result<void> ReadRecord(const std::string& section, const toml::table& table) {
    if (records_.size() == kMaxTomlRecords) {
      return Fail(ErrorCode::kTooLarge, std::string(file_) + ": more than " +
                                            std::to_string(kMaxTomlRecords) + " sections");
    }
    TomlRecord record{.section = section, .line = table.source().begin.line, .fields = {}};
    for (const auto& [key, node] : table) {
      std::optional<TomlValue> value = ReadValue(node);
      if (!value) {
        return Refuse(node.source().begin.line,
                      std::string(key.str()).substr(0, 64) +
                          ": expected a string, a number, true or false, a date or a list of "
                          "strings");
      }
      record.fields.push_back({.key = std::string(key.str()),
                               .value = std::move(*value),
                               .line = key.source().begin.line});
    }
    records_.push_back(std::move(record));
    return {};
  }

  static std::optional<TomlValue> ReadValue(const toml::node& node) {
    if (const auto* text = node.as_string()) {
      return text->get();
    }
    if (const auto* number = node.as_integer()) {
      return number->get();
    }
    if (const auto* number = node.as_floating_point()) {
      return number->get();
    }
    if (const auto* flag = node.as_boolean()) {
      return flag->get();
    }
    if (const auto* date = node.as_date()) {
      return TomlDate{.year = date->get().year, .month = date->get().month, .day = date->get().day};
    }
    const toml::array* array = node.as_array();
    if (array == nullptr) {
      return std::nullopt;
    }
    std::vector<std::string> items;
    for (const toml::node& item : *array) {
      const auto* text = item.as_string();
      if (text == nullptr) {
        return std::nullopt;
      }
      items.push_back(text->get());
    }
    return items;
  }

  std::string_view file_;
  std::vector<TomlRecord> records_;
};

}  // namespace

Result<std::vector<TomlRecord>> ParseTomlRecords(std::string_view text, std::string_view file) {
  if (text.size() > kMaxBytes) {
    return Fail(ErrorCode::kTooLarge, std::string(file) + ": more than 1 MiB");
  }
  Reader reader(file);
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return reader.Refuse(parsed.error().source().begin.line,
                         "expected TOML: " + std::string(parsed.error().description()));
  }
  return reader.Read(parsed.table());
}

}  // namespace casemate::config
