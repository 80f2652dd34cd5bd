#include "assess/fact.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace casemate::assess {
namespace {

constexpr std::array<std::string_view, 6> kConfidences = {"unknown",    "claimed",  "contract",
                                                          "documented", "attested", "measured"};

std::optional<std::chrono::year_month_day> ParseDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
    return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t size) {
    int value = -1;
    const char* begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + size, value);
    return error == std::errc() && end == begin + size ? value : -1;
  };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  if (year < 1900 || month < 1 || day < 1) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  return date.ok() ? std::optional(date) : std::nullopt;
}

}  // namespace

std::string_view ConfidenceName(Confidence confidence) {
  return kConfidences[static_cast<std::size_t>(confidence)];
}

std::optional<Confidence> ParseConfidence(std::string_view name) {
  const auto* const found = std::ranges::find(kConfidences, name);
  return found == kConfidences.end()
             ? std::nullopt
             : std::optional(static_cast<Confidence>(found - kConfidences.begin()));
}

std::vector<std::string_view> ConfidenceNames() {
  return {kConfidences.rbegin(), kConfidences.rend()};
}

std::string Place::Text() const {
  return mark.line == 0
             ? file
             : file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

std::optional<std::int32_t> ParseCountry(std::string_view code) {
  const auto is_letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (code.size() != 2 || !is_letter(code[0]) || !is_letter(code[1])) {
    return std::nullopt;
  }
  return (code[0] << 8) | code[1];
}

std::string CountryName(std::int32_t code) {
  return {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
}

bool IsDate(std::string_view text) { return ParseDate(text).has_value(); }

std::int64_t DayOf(std::string_view date) {
  const auto parsed = ParseDate(date);
  return parsed ? std::chrono::sys_days(*parsed).time_since_epoch().count() : 0;
}

}  // namespace casemate::assess
