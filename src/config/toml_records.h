#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

// TOML 1.0 of one shape: sections `[name]` and repeated `[[name]]`, each with values and lists of
// strings. What reads it is checked by whoever asks; where it stood is kept for their messages.
namespace casemate::config {

struct TomlDate {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  bool operator==(const TomlDate&) const = default;
};
using TomlValue =
    std::variant<bool, std::int64_t, double, std::string, TomlDate, std::vector<std::string>>;

struct TomlField {
  std::string key;
  TomlValue value;
  std::uint32_t line = 0;
};
struct TomlRecord {
  std::string section;
  std::uint32_t line = 0;
  std::vector<TomlField> fields;
};

inline constexpr std::size_t kMaxTomlRecords = 10'000;

// In the order of the text. Errors: kInvalidArgument: not TOML, or of another shape; the message
// begins "FILE:LINE: ". kTooLarge: over 1 MiB, or kMaxTomlRecords.
[[nodiscard]] Result<std::vector<TomlRecord>> ParseTomlRecords(std::string_view text,
                                                               std::string_view file);

}  // namespace casemate::config
