#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "secmem/plaintext.h"

// Writing GBNF, the grammar notation of llama.cpp (grammars/README.md there). The dialect that this
// folder writes is in docs/formats/grammar.md.
namespace casemate::grammar {

// Code points from `first` to `last`, both in.
struct CodeRange {
  char32_t first;
  char32_t last;
  bool operator==(const CodeRange&) const = default;
};
using CodeSet = std::vector<CodeRange>;

inline constexpr char32_t kLastCode = 0x10ffff;

// Sorted, without overlaps or neighbours; surrogates (which UTF-8 cannot write) are left out.
CodeSet Normalized(CodeSet set);
// Of all code points but the surrogates. `set` is normalized.
CodeSet Complement(const CodeSet& set);

// "text" in quotation marks, its special characters escaped.
void WriteLiteral(Plaintext& out, PlaintextView text);
// The JSON text of a string, as a literal: quotation marks of JSON inside those of GBNF.
void WriteJsonString(Plaintext& out, PlaintextView text);
// [...] of a normalized set that is not empty.
void WriteClass(Plaintext& out, const CodeSet& set);
// What a JSON string may hold for one code point of `set` (RFC 8259, section 7): the shortest
// escape where one is needed. An alternative in parentheses where there are several.
void WriteJsonCharacters(Plaintext& out, const CodeSet& set);
// "{2,5}", "{2,}", "{2}", "?", "*", "+", or nothing for exactly one.
std::string CountSuffix(std::uint32_t least, std::optional<std::uint32_t> most);

}  // namespace casemate::grammar
