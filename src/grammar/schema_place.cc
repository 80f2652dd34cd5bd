#include "grammar/schema_place.h"

#include <algorithm>
#include <cmath>

namespace casemate::grammar {
namespace {

using json::Value;
using Kind = Value::Kind;

// Say something about a document and nothing about which documents there may be.
constexpr std::array<std::string_view, 12> kAnnotations = {
    "title",   "description", "default",    "examples", "example",   "$comment",
    "$schema", "$id",         "deprecated", "readOnly", "writeOnly", "$anchor"};
constexpr std::array<std::string_view, 2> kDefinitions = {"$defs", "definitions"};
constexpr std::array<std::string_view, 7> kTypes = {"object", "array",   "string", "integer",
                                                    "number", "boolean", "null"};

// RFC 6901, section 3.
std::string PointerStep(std::string_view name) {
  std::string step = "/";
  for (char c : name) {
    step += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  }
  return step;
}

}  // namespace

bool In(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::span<const std::string_view> WordsOf(std::string_view type) {
  if (type == "object") {
    return kObjectWords;
  }
  if (type == "array") {
    return kArrayWords;
  }
  if (type == "string") {
    return kStringWords;
  }
  return type == "integer" || type == "number" ? std::span<const std::string_view>(kNumberWords)
                                               : std::span<const std::string_view>();
}

Place Place::Step(const Value& child, std::string_view name) const {
  return {child, pointer + PointerStep(name)};
}

Place Place::Step(const Value& child, std::string_view word, std::size_t index) const {
  return {child, pointer + PointerStep(word) + "/" + std::to_string(index)};
}

std::unexpected<Error> Refuse(const Place& at, const std::string& why) {
  return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                               .message = at.pointer + ": " + why,
                               .param = at.value.path(),
                               .detail = {}});
}
std::unexpected<Error> RefuseWord(const Place& at, std::string_view word, const std::string& why) {
  const std::optional<Value> value = at.value.Get(word);
  return Refuse(value ? at.Step(*value, word) : at, why);
}

Result<void> Only(const Place& at, std::span<const std::string_view> words,
                  std::string_view beside) {
  for (const Value::Member& member : at.value.Members()) {
    if (In(member.key, words) || In(member.key, kAnnotations) || In(member.key, kDefinitions)) {
      continue;
    }
    return Refuse(
        at.Step(member.value, member.key),
        beside.empty() ? "this keyword is not served" : "not served beside " + std::string(beside));
  }
  return {};
}

Result<std::vector<std::string>> Types(const Place& at) {
  const std::optional<Value> value = at.value.Get("type");
  std::vector<std::string> types;
  if (!value) {
    return types;
  }
  const std::vector<Value> names =
      value->kind() == Kind::kArray ? value->Elements() : std::vector<Value>{*value};
  for (const Value& name : names) {
    Result<std::string> type = name.AsName(16);
    if (!type || !In(*type, kTypes) ||
        std::find(types.begin(), types.end(), *type) != types.end()) {
      return RefuseWord(at, "type", "expected one of JSON's types, or an array of them");
    }
    types.push_back(std::move(*type));
  }
  return types.empty() ? Result<std::vector<std::string>>(RefuseWord(at, "type", "names no type"))
                       : types;
}

namespace {

// minItems, maxLength and the like.
Result<std::optional<std::uint32_t>> ReadCount(const Place& at, std::string_view word) {
  const std::optional<Value> value = at.value.GetSet(word);
  if (!value) {
    return std::optional<std::uint32_t>();
  }
  Result<double> count = value->AsNumber();
  if (!count || *count < 0 || *count > kMaxCount || *count != std::floor(*count)) {
    return RefuseWord(at, word, "expected a whole number from 0 to " + std::to_string(kMaxCount));
  }
  return std::optional(static_cast<std::uint32_t>(*count));
}

}  // namespace

Result<Counts> ReadCounts(const Place& at, std::string_view least, std::string_view most) {
  Result<std::optional<std::uint32_t>> low = ReadCount(at, least);
  Result<std::optional<std::uint32_t>> high = ReadCount(at, most);
  if (!low || !high) {
    return std::unexpected(low ? high.error() : low.error());
  }
  if (*high && **high < low->value_or(0)) {
    return RefuseWord(at, most, "less than '" + std::string(least) + "'");
  }
  return Counts{low->value_or(0), *high};
}

}  // namespace casemate::grammar
