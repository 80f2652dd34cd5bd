#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "json/reader.h"

namespace casemate::api {

// The fields that an object of a request may have: those served, and those that OpenAI documents
// and this server does not serve yet. Listed per endpoint as data.
struct FieldSet {
  std::span<const std::string_view> served;
  std::span<const std::string_view> ignored;
  std::span<const std::string_view> shared = {};  // served too: listed for several endpoints
};

// Returns the fields of `object` that will be ignored (set, and not null), by path. Errors:
// kInvalidArgument: not an object; "Unknown parameter: 'x'." with param.
[[nodiscard]] Result<std::vector<std::string>> CheckFields(const json::Value& object,
                                                           const FieldSet& fields);

// Optional members with a range. Null counts as absent. Errors: kInvalidArgument with param and
// both ends of the range.
[[nodiscard]] Result<std::optional<std::int64_t>> ReadInteger(const json::Value& object,
                                                              std::string_view key,
                                                              std::int64_t least,
                                                              std::int64_t most);
[[nodiscard]] Result<std::optional<double>> ReadNumber(const json::Value& object,
                                                       std::string_view key, double least,
                                                       double most);
[[nodiscard]] Result<bool> ReadBool(const json::Value& object, std::string_view key, bool absent);
// "model", required.
[[nodiscard]] Result<std::string> ReadModel(const json::Value& object);

// A message's content: a string, or an array of {"type": one of `types`, "text": "..."} joined.
// Errors: kInvalidArgument: another kind of part.
[[nodiscard]] Result<Plaintext> ReadText(const json::Value& content,
                                         std::span<const std::string_view> types);

[[nodiscard]] std::unexpected<Error> BadField(const json::Value& value, std::string message);

}  // namespace casemate::api
