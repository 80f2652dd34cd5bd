#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "grammar/formats.h"
#include "grammar/schema_place.h"
#include "json/copy.h"

namespace casemate::grammar {
namespace {

using json::Value;
using Kind = Value::Kind;

bool IsType(const Value& value, std::string_view type) {
  switch (value.kind()) {
    case Kind::kNull:
      return type == "null";
    case Kind::kBool:
      return type == "boolean";
    case Kind::kInteger:
      return type == "integer" || type == "number";
    case Kind::kNumber:
      return type == "number";
    case Kind::kString:
      return type == "string";
    case Kind::kArray:
      return type == "array";
    case Kind::kObject:
      return type == "object";
  }
  return false;
}

// The end of a range from its two keywords; the tighter one where both are given.
Result<std::optional<Bound>> ReadBound(const Place& at, std::string_view closed,
                                       std::string_view open, bool lower, bool whole) {
  std::optional<Bound> bound;
  for (std::string_view word : {closed, open}) {
    const std::optional<Value> value = at.value.GetSet(word);
    if (!value) {
      continue;
    }
    Result<double> number = value->AsNumber();
    if (!number || std::abs(*number) > static_cast<double>(kLargestInteger)) {
      return RefuseWord(at, word,
                        "expected a number of at most " + std::to_string(kLargestInteger));
    }
    const double rounded = lower ? std::ceil(*number) : std::floor(*number);
    if (!whole && rounded != *number) {
      return RefuseWord(at, word, "of type 'number' only whole ends are served");
    }
    const Bound found = {static_cast<std::int64_t>(rounded), word == open && rounded == *number};
    const bool tighter = !bound ||
                         (lower ? found.value > bound->value : found.value < bound->value) ||
                         (found.value == bound->value && found.open);
    if (tighter) {
      bound = found;
    }
  }
  return bound;
}

Result<std::pair<std::optional<Bound>, std::optional<Bound>>> ReadBounds(const Place& at,
                                                                         bool whole) {
  Result<std::optional<Bound>> least = ReadBound(at, "minimum", "exclusiveMinimum", true, whole);
  Result<std::optional<Bound>> most = ReadBound(at, "maximum", "exclusiveMaximum", false, whole);
  if (!least || !most) {
    return std::unexpected(least ? most.error() : least.error());
  }
  return std::pair(*least, *most);
}

}  // namespace

Result<SchemaNode> ReadLiterals(const Place& at) {
  constexpr std::array<std::string_view, 3> kWords = {"enum", "const", "type"};
  if (Result<void> only = Only(at, kWords, "'enum' or 'const'"); !only) {
    return std::unexpected(only.error());
  }
  Result<std::vector<std::string>> types = Types(at);
  if (!types) {
    return std::unexpected(types.error());
  }
  const std::optional<Value> list = at.value.Get("enum");
  const std::optional<Value> constant = at.value.Get("const");
  if (list && constant) {
    return RefuseWord(at, "const", "not served beside 'enum'");
  }
  if (list &&
      (list->kind() != Kind::kArray || list->size() == 0 || list->size() > kMaxEnumValues)) {
    return RefuseWord(at, "enum",
                      "expected an array of 1 to " + std::to_string(kMaxEnumValues) + " values");
  }
  LiteralValue literals;
  for (const Value& value : list ? list->Elements() : std::vector<Value>{*constant}) {
    const bool fits =
        types->empty() || std::any_of(types->begin(), types->end(),
                                      [&](const std::string& type) { return IsType(value, type); });
    if (!fits) {
      return RefuseWord(at, "type", "one of the values is not of this type");
    }
    literals.texts.push_back(json::Text(value));
  }
  return literals;
}

Result<SchemaNode> ReadString(const Place& at) {
  Result<Counts> counts = ReadCounts(at, "minLength", "maxLength");
  if (!counts) {
    return std::unexpected(counts.error());
  }
  StringValue string{.least = counts->least, .most = counts->most, .pattern = std::nullopt};
  const std::optional<Value> pattern = at.value.GetSet("pattern");
  const std::optional<Value> format = at.value.GetSet("format");
  if (pattern && format) {
    return RefuseWord(at, "format", "not served beside 'pattern'");
  }
  if (!pattern && !format) {
    return string;
  }
  if (at.value.GetSet("minLength") || at.value.GetSet("maxLength")) {
    return RefuseWord(at, pattern ? "pattern" : "format",
                      "not served beside 'minLength' or 'maxLength'");
  }
  Result<PlaintextView> text =
      pattern ? pattern->AsString() : Result<PlaintextView>(PlaintextView());
  if (format) {
    Result<std::string> name = format->AsName(64);
    const std::optional<std::string_view> known =
        name ? PatternOfFormat(*name) : std::optional<std::string_view>();
    if (!known) {
      return RefuseWord(at, "format", "served are " + ServedFormats());
    }
    text = PlaintextView::Of(*known);
  }
  if (!text) {
    return RefuseWord(at, "pattern", "expected a string");
  }
  Result<Regex> regex = ParseRegex(*text);
  if (!regex) {
    return RefuseWord(at, "pattern", regex.error().message);
  }
  string.pattern = std::move(*regex);
  return string;
}

Result<SchemaNode> ReadInteger(const Place& at) {
  Result<std::pair<std::optional<Bound>, std::optional<Bound>>> bounds = ReadBounds(at, true);
  if (!bounds) {
    return std::unexpected(bounds.error());
  }
  IntegerValue integer;
  if (const std::optional<Bound>& least = bounds->first) {
    integer.least = least->value + (least->open ? 1 : 0);
  }
  if (const std::optional<Bound>& most = bounds->second) {
    integer.most = most->value - (most->open ? 1 : 0);
  }
  return integer.least > integer.most
             ? Result<SchemaNode>(Refuse(at, "no integer is in this range"))
             : Result<SchemaNode>(integer);
}

Result<SchemaNode> ReadNumber(const Place& at) {
  Result<std::pair<std::optional<Bound>, std::optional<Bound>>> bounds = ReadBounds(at, false);
  if (!bounds) {
    return std::unexpected(bounds.error());
  }
  const Bound low = bounds->first.value_or(Bound{-kLargestInteger});
  const Bound high = bounds->second.value_or(Bound{kLargestInteger});
  if (low.value > high.value || (low.value == high.value && (low.open || high.open))) {
    return Refuse(at, "no number is in this range");
  }
  return NumberValue{bounds->first, bounds->second};
}

}  // namespace casemate::grammar
