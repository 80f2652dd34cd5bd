#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "grammar/schema.h"
#include "json/reader.h"

// What the readers of a schema share; inside this folder only.
namespace casemate::grammar {

inline constexpr std::array<std::string_view, 3> kObjectWords = {"properties", "required",
                                                                 "additionalProperties"};
inline constexpr std::array<std::string_view, 4> kArrayWords = {"items", "minItems", "maxItems",
                                                                "uniqueItems"};
inline constexpr std::array<std::string_view, 4> kStringWords = {"minLength", "maxLength",
                                                                 "pattern", "format"};
inline constexpr std::array<std::string_view, 4> kNumberWords = {
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};

bool In(std::string_view word, std::span<const std::string_view> words);
// The keywords that say something about values of a type.
std::span<const std::string_view> WordsOf(std::string_view type);

// One schema with where it stands.
struct Place {
  json::Value value;
  std::string pointer;  // "#/properties/name"

  Place Step(const json::Value& child, std::string_view name) const;
  Place Step(const json::Value& child, std::string_view word, std::size_t index) const;
};

// The refusal of a place, or of one keyword of it.
[[nodiscard]] std::unexpected<Error> Refuse(const Place& at, const std::string& why);
[[nodiscard]] std::unexpected<Error> RefuseWord(const Place& at, std::string_view word,
                                                const std::string& why);
// Refuses every keyword that is not in `words`, an annotation or a definition. `beside`: what the
// others cannot stand beside, or empty.
[[nodiscard]] Result<void> Only(const Place& at, std::span<const std::string_view> words,
                                std::string_view beside);
// The names in `type`, which may be absent.
[[nodiscard]] Result<std::vector<std::string>> Types(const Place& at);

// "minItems" and "maxItems", or the like: from 0 to kMaxCount.
struct Counts {
  std::uint32_t least = 0;
  std::optional<std::uint32_t> most;
};
[[nodiscard]] Result<Counts> ReadCounts(const Place& at, std::string_view least,
                                        std::string_view most);

// Schemas without schemas in them. schema_leaves.cc
[[nodiscard]] Result<SchemaNode> ReadLiterals(const Place& at);
[[nodiscard]] Result<SchemaNode> ReadString(const Place& at);
[[nodiscard]] Result<SchemaNode> ReadInteger(const Place& at);
[[nodiscard]] Result<SchemaNode> ReadNumber(const Place& at);

}  // namespace casemate::grammar
