#include "attestation/utc.h"

#include <chrono>
#include <optional>
#include <string>

namespace casemate::attestation {
namespace {

std::optional<int> Digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') {
      return std::nullopt;
    }
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

Result<std::int64_t> ParseUtc(std::string_view text) {
  const auto fail = [] {
    return Fail(ErrorCode::kInvalidArgument,
                "expected a time as 2026-11-22 or 2026-11-22T17:40:41Z (UTC)");
  };
  const bool with_time = text.size() == 20;
  if ((text.size() != 10 && !with_time) || text[4] != '-' || text[7] != '-' ||
      (with_time && (text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z'))) {
    return fail();
  }
  const auto year = Digits(text, 0, 4);
  const auto month = Digits(text, 5, 2);
  const auto day = Digits(text, 8, 2);
  const auto hour = with_time ? Digits(text, 11, 2) : 0;
  const auto minute = with_time ? Digits(text, 14, 2) : 0;
  const auto second = with_time ? Digits(text, 17, 2) : 0;
  if (!year || !month || !day || !hour || !minute || !second || *hour > 23 || *minute > 59 ||
      *second > 59) {
    return fail();
  }
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) {
    return fail();
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + *hour) * 60 + *minute) * 60 + *second;
}

}  // namespace casemate::attestation
