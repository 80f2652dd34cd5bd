#pragma once

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::inference {

inline constexpr std::size_t kMaxGrammarBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxGrammarRules = 4096;
inline constexpr std::size_t kMaxGrammarNesting = 64;          // of parentheses
inline constexpr std::size_t kMaxGrammarRepetition = 1000;     // in {m,n}
inline constexpr std::size_t kMaxGrammarRepetitions = 50'000;  // all upper ends together

// Reads a grammar in GBNF (docs/formats/grammar.md) and refuses what libllama's own parser would
// refuse, or would take at a price without bound: libllama writes the whole grammar to stderr with
// its complaint. Errors: kInvalidArgument, param "grammar": "grammar, line 3, column 14: expected
// a closing quotation mark"; the place is in bytes, nothing of the grammar is quoted.
[[nodiscard]] Result<void> CheckGrammar(PlaintextView grammar);

}  // namespace casemate::inference
