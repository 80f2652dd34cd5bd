#include "grammar/number_range.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace casemate::grammar {
namespace {

constexpr std::string_view kFraction = "(\".\" [0-9]{1,15})?";
constexpr std::string_view kNoFraction = "(\".\" \"0\"{1,15})?";
constexpr std::string_view kSomeFraction = "\".\" \"0\"{0,7} [1-9] [0-9]{0,7}";

std::string Joined(const std::vector<std::string>& alternatives) {
  std::string text;
  for (const std::string& alternative : alternatives) {
    text += (text.empty() ? "" : " | ") + alternative;
  }
  return alternatives.size() > 1 ? "(" + text + ")" : text;
}

std::string Literal(std::string_view digits) { return "\"" + std::string(digits) + "\""; }

std::string Digit(char from, char to) {
  return from == to ? Literal({&from, 1}) : std::string("[") + from + "-" + to + "]";
}

std::string AnyDigits(std::size_t count) {
  return count == 0 ? "" : count == 1 ? " [0-9]" : " [0-9]{" + std::to_string(count) + "}";
}

// Digits of the same number as those of `low` and `high` that lie between them.
std::string SameLength(std::string_view low, std::string_view high) {
  if (low == high) {
    return Literal(low);
  }
  const bool whole = low.find_first_not_of('0', 1) == std::string_view::npos &&
                     high.find_first_not_of('9', 1) == std::string_view::npos;
  const std::size_t rest = low.size() - 1;
  if (whole) {
    return Digit(low[0], high[0]) + AnyDigits(rest);
  }
  if (low[0] == high[0]) {
    return Literal(low.substr(0, 1)) + " " + SameLength(low.substr(1), high.substr(1));
  }
  std::vector<std::string> parts;
  char from = low[0];
  char to = high[0];
  if (low.find_first_not_of('0', 1) != std::string_view::npos) {
    parts.push_back(Literal(low.substr(0, 1)) + " " +
                    SameLength(low.substr(1), std::string(rest, '9')));
    ++from;
  }
  std::string last;
  if (high.find_first_not_of('9', 1) != std::string_view::npos) {
    last = Literal(high.substr(0, 1)) + " " + SameLength(std::string(rest, '0'), high.substr(1));
    --to;
  }
  if (from <= to) {
    parts.push_back(Digit(from, to) + AnyDigits(rest));
  }
  if (!last.empty()) {
    parts.push_back(std::move(last));
  }
  return Joined(parts);
}

// Whole numbers, 0 <= low <= high, without a sign.
std::string Natural(std::uint64_t low, std::uint64_t high) {
  std::vector<std::string> parts;
  while (true) {
    const std::string from = std::to_string(low);
    const std::uint64_t longest = std::stoull(std::string(from.size(), '9'));  // 19 digits at most
    const std::uint64_t to = std::min(high, longest);
    parts.push_back(SameLength(from, std::to_string(to)));
    if (to == high) {
      return Joined(parts);
    }
    low = to + 1;
  }
}

std::uint64_t Magnitude(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

// Numbers without a sign between two ends, 0 <= low.value <= high.value.
std::string Unsigned(const Bound& low, const Bound& high) {
  const auto from = static_cast<std::uint64_t>(low.value);
  const auto to = static_cast<std::uint64_t>(high.value);
  if (from == to) {
    return Literal(std::to_string(from)) + " " + std::string(kNoFraction);
  }
  std::vector<std::string> parts;
  std::uint64_t first_whole = from;
  if (low.open) {
    parts.push_back(Literal(std::to_string(from)) + " " + std::string(kSomeFraction));
    ++first_whole;
  }
  if (first_whole < to) {
    parts.push_back(Natural(first_whole, to - 1) + " " + std::string(kFraction));
  }
  if (!high.open) {
    parts.push_back(Literal(std::to_string(to)) + " " + std::string(kNoFraction));
  }
  return Joined(parts);
}

}  // namespace

std::string IntegerGbnf(std::int64_t least, std::int64_t most) {
  std::vector<std::string> parts;
  if (least < 0) {
    const std::uint64_t nearest = most < 0 ? Magnitude(most) : 1;
    parts.push_back("\"-\" " + Natural(nearest, Magnitude(least)));
  }
  if (most >= 0) {
    parts.push_back(Natural(static_cast<std::uint64_t>(std::max<std::int64_t>(least, 0)),
                            static_cast<std::uint64_t>(most)));
  }
  return Joined(parts);
}

std::string NumberGbnf(const std::optional<Bound>& least, const std::optional<Bound>& most) {
  const Bound low = least.value_or(Bound{-kLargestInteger});
  const Bound high = most.value_or(Bound{kLargestInteger});
  std::vector<std::string> parts;
  if (low.value < 0) {
    const Bound nearest = high.value > 0 ? Bound{0, true} : Bound{-high.value, high.open};
    parts.push_back("\"-\" " + Unsigned(nearest, {-low.value, low.open}));
  }
  if (high.value > 0 || (high.value == 0 && !high.open)) {
    parts.push_back(Unsigned(low.value >= 0 ? low : Bound{0}, high));
  }
  return Joined(parts);
}

}  // namespace casemate::grammar
