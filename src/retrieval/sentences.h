#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

// Where text may be cut. Offsets are bytes of valid UTF-8. Views of plaintext: keep none.
namespace casemate::retrieval {

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const Span&) const = default;
};

// Sentences of `text`, without the white space around them: ends at . ! ? (with closing quotes and
// brackets) before white space and something that is not lower-case ASCII, at the full stops of
// Chinese and Japanese, and at blank lines.
std::vector<Span> Sentences(std::string_view text);

// Lines that are not blank, without their line ends; indentation stays.
std::vector<Span> Lines(std::string_view text);

// Cuts `text` into about `parts` pieces of similar size, between words where there are any, else
// between UTF-8 characters. At least 2 pieces if the text has 2 characters.
std::vector<Span> CutEvenly(std::string_view text, std::size_t parts);

// Whether `at` is the start of a character of `text`, or its end.
bool IsCharacterBoundary(std::string_view text, std::size_t at);

// `span` without white space at its ends.
Span Trimmed(std::string_view text, Span span);

}  // namespace casemate::retrieval
