#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

// YAML 1.2's useful part, bounded: mappings, sequences and scalars with their places. Every scalar
// is text, so Norway stays NO. Refused: aliases and anchors, tags, several documents, a name twice.
namespace casemate::assess::yaml {

struct Limits {
  std::size_t max_bytes = 10'000'000;  // a description that a person can read has thousands
  std::size_t max_depth = 24;
  std::size_t max_nodes = 500'000;
};

struct Mark {
  std::uint32_t line = 0;  // from 1; 0: no place
  std::uint32_t column = 0;
  auto operator<=>(const Mark&) const = default;
};

struct Entry;
struct Node {
  enum class Kind : unsigned char { kScalar, kSequence, kMapping };
  Kind kind = Kind::kScalar;
  Mark mark;
  std::string text;            // scalar; empty as well where nothing was written
  bool quoted = false;         // scalar
  std::vector<Node> items;     // sequence
  std::vector<Entry> entries;  // mapping, in the order of the text

  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_mapping() const { return kind == Kind::kMapping; }
  // nullptr when there is no such entry, or this is no mapping. Valid as long as this node.
  const Node* Get(std::string_view name) const;
};
struct Entry {
  std::string name;
  Mark mark;  // of the name
  Node value;
};

// "a text", "a list", "a mapping"; "nothing" for an empty unquoted scalar.
std::string_view KindName(const Node& node);

// Errors: kInvalidArgument with "LINE:COLUMN: " before what is wrong and how to write it instead;
// kTooLarge over a limit.
[[nodiscard]] Result<Node> Parse(std::string_view text, const Limits& limits = {});

// The error of a place: "LINE:COLUMN: message".
[[nodiscard]] std::unexpected<Error> FailAt(Mark mark, std::string_view message);

// Of `known`, the word that `word` was probably meant to be: " (did you mean \"X\"?)", or "".
std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace casemate::assess::yaml
