#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/error.h"
#include "grammar/gbnf.h"
#include "secmem/plaintext.h"

// The regular expressions of JSON Schema's `pattern` (ECMA-262 syntax, with the u flag):
// characters,
// `.`, classes with ranges and negation, \d \w \s \D \W \S, \t \n \r \f \v \0 \xHH \uHHHH \u{H...}
// and escaped punctuation, groups ( ) and (?: ), |, * + ? {m} {m,} {m,n} also with a trailing ?,
// ^ at the beginning and $ at the end of a whole alternative. Everything else is refused.
namespace casemate::grammar {

inline constexpr std::size_t kMaxPatternBytes = 1024;
inline constexpr std::size_t kMaxPatternDepth = 16;
inline constexpr std::uint32_t kMaxCount = 1000;  // of a repetition

struct Regex;

struct RegexSequence {
  std::vector<Regex> parts;
};
struct RegexChoice {
  std::vector<Regex> parts;  // one at least
};
struct RegexRepeat {
  std::unique_ptr<Regex> part;
  std::uint32_t least = 0;
  std::optional<std::uint32_t> most;
};
struct Regex {
  std::variant<CodeSet, RegexSequence, RegexChoice, RegexRepeat> node;
};

// An expression that the whole string must match: where the pattern has no ^ or $, "anything" has
// been put there. Errors: kInvalidArgument: not in the subset above, "at byte 7: ...".
[[nodiscard]] Result<Regex> ParseRegex(PlaintextView pattern);

// GBNF for the inside of a JSON string that spells a match.
void WriteRegex(Plaintext& out, const Regex& regex);
// How many characters the expression comes to when every count is written out.
std::size_t SizeOf(const Regex& regex);

}  // namespace casemate::grammar
