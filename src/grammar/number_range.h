#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace casemate::grammar {

// Largest magnitude of a number with an open end: what every reader of JSON keeps exactly
// (RFC 8259, section 6).
inline constexpr std::int64_t kLargestInteger = 999'999'999'999'999;

// One end of a range. `open`: the value itself is out.
struct Bound {
  std::int64_t value = 0;
  bool open = false;
  bool operator==(const Bound&) const = default;
};

// GBNF for exactly the integers from `least` to `most` in JSON's notation: no leading zeros, no
// "-0", no fraction. least <= most.
std::string IntegerGbnf(std::int64_t least, std::int64_t most);

// GBNF for numbers in the range, with up to 15 digits after the point and no exponent. Ends are
// whole numbers and not over kLargestInteger; an absent one is kLargestInteger. The range is not
// empty.
std::string NumberGbnf(const std::optional<Bound>& least, const std::optional<Bound>& most);

}  // namespace casemate::grammar
