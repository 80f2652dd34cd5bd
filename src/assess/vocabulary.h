#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

// The words that pipelines, the catalogue, evidence and rules share: kinds of elements, their
// fields, and the values that a field can have. The parser, the JSON Schema, the rules' conditions
// and the search for counterfactuals read this one table.
namespace casemate::assess {

enum class Kind : unsigned char { kParty, kProcessor, kTee, kKey, kStore, kHop, kAttack };
constexpr std::size_t kKinds = 7;

enum class FieldType : unsigned char {
  kText,
  kWord,        // one of `words`
  kWords,       // a list of `words`
  kCountry,     // ISO 3166-1 alpha-2
  kReference,   // the id of an element of `targets`
  kReferences,  // a list of them
  kNumber,      // 0 to 1000000
  kLabel,       // one of the pipeline's labels
};

// What it takes to change a fact; counterfactuals prefer the cheap. kFixed: nobody can decide it.
enum class Effort : unsigned char { kFixed, kSetting, kContract, kMove };

struct Field {
  std::string_view name;
  FieldType type;
  std::span<const std::string_view> words;
  std::span<const Kind> targets;
  bool none_allowed;  // "none" is a value
  Effort effort;
  std::string_view help;  // one sentence, for the schema and the docs
  // The words that a search for improvements tries; empty: all.
  std::span<const std::string_view> offers = {};
};

struct KindInfo {
  std::string_view name;     // "processor"
  std::string_view section;  // "processors"
  std::string_view help;
  std::span<const Field> fields;
};

const KindInfo& InfoOf(Kind kind);
std::optional<Kind> KindOfSection(std::string_view section);
std::optional<Kind> KindOfName(std::string_view name);
// Index into InfoOf(kind).fields.
std::optional<std::size_t> FieldIndex(Kind kind, std::string_view name);
// Index of a field that is known to be there; asserts.
std::size_t RequireField(Kind kind, std::string_view name);
std::vector<std::string_view> FieldNames(Kind kind);

}  // namespace casemate::assess
