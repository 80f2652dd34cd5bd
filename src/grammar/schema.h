#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "grammar/number_range.h"
#include "grammar/regex.h"
#include "json/reader.h"
#include "secmem/plaintext.h"

// The part of JSON Schema (2020-12) that a grammar can hold a model to:
// docs/formats/json_schema.md. OpenAI's strict subset is in it.
namespace casemate::grammar {

inline constexpr std::size_t kMaxNodes = 4096;
inline constexpr std::size_t kMaxSchemaDepth = 24;  // of schemas in schemas, references not counted
inline constexpr std::size_t kMaxEnumValues = 1000;
inline constexpr std::size_t kMaxNameBytes = 255;  // of a property

using NodeId = std::uint32_t;  // place in SchemaTree::nodes

struct AnyValue {};
struct NullValue {};
struct BooleanValue {};
struct IntegerValue {
  std::int64_t least = -kLargestInteger;
  std::int64_t most = kLargestInteger;
};
struct NumberValue {
  std::optional<Bound> least;
  std::optional<Bound> most;
};
struct StringValue {
  std::uint32_t least = 0;  // code points
  std::optional<std::uint32_t> most;
  std::optional<Regex> pattern;  // then the two above say nothing
};
struct LiteralValue {
  std::vector<Plaintext> texts;  // JSON texts, one of them
};
struct ArrayValue {
  NodeId item = 0;
  std::uint32_t least = 0;
  std::optional<std::uint32_t> most;
};
struct ObjectValue {
  struct Property {
    std::string name;
    NodeId value = 0;
    bool required = false;
  };
  std::vector<Property> properties;  // in the order in which they are written
  std::optional<NodeId> others;      // of a map: any names, each value like this
};
struct ChoiceValue {
  std::vector<NodeId> of;
};

using SchemaNode = std::variant<AnyValue, NullValue, BooleanValue, IntegerValue, NumberValue,
                                StringValue, LiteralValue, ArrayValue, ObjectValue, ChoiceValue>;

struct SchemaTree {
  std::vector<SchemaNode> nodes;
  std::vector<std::string> pointers;  // RFC 6901 fragment of each node, "#/properties/name"
  NodeId root = 0;
};

// Errors: kInvalidArgument: what is not served, or cannot be met; the message begins with the
// pointer of the place ("#/properties/age/multipleOf: ..."), `param` is its path in the request.
[[nodiscard]] Result<SchemaTree> ReadSchema(const json::Value& schema);

// Refuses what no grammar can do: a choice that comes back to itself without a step in between, and
// a schema that no finite document meets. Called by ReadSchema. schema_check.cc
[[nodiscard]] Result<void> CheckSchema(const SchemaTree& tree);

}  // namespace casemate::grammar
