#include "api/fields.h"

#include <algorithm>
#include <cmath>

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string Joined(std::span<const std::string_view> names) {
  std::string text;
  for (std::string_view name : names) {
    text += (text.empty() ? "'" : ", '") + std::string(name) + "'";
  }
  return text;
}

// 4 for 4.0, 0.5 for 0.5: ranges in messages.
std::string Short(double value) {
  if (value == std::floor(value)) {
    return std::to_string(static_cast<long long>(value));
  }
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace

std::unexpected<Error> BadField(const json::Value& value, std::string message) {
  return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                               .message = std::move(message),
                               .param = value.path(),
                               .detail = {}});
}

Result<std::vector<std::string>> CheckFields(const json::Value& object, const FieldSet& fields) {
  if (object.kind() != Kind::kObject) {
    return BadField(object, "Invalid type for '" + object.path() + "': expected an object.");
  }
  std::vector<std::string> ignored;
  for (const json::Value::Member& member : object.Members()) {
    const std::string path = object.path().empty() ? member.key : object.path() + "." + member.key;
    if (Contains(fields.ignored, member.key)) {
      if (!member.value.is_null()) {
        ignored.push_back(path);
      }
    } else if (!Contains(fields.served, member.key) && !Contains(fields.shared, member.key)) {
      return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                                   .message = "Unknown parameter: '" + path + "'.",
                                   .param = path,
                                   .detail = {}});
    }
  }
  return ignored;
}

Result<std::optional<std::int64_t>> ReadInteger(const json::Value& object, std::string_view key,
                                                std::int64_t least, std::int64_t most) {
  const std::optional<json::Value> value = object.GetSet(key);
  if (!value) {
    return std::optional<std::int64_t>();
  }
  Result<std::int64_t> number = value->AsInteger();
  if (!number) {
    return std::unexpected(number.error());
  }
  if (*number < least || *number > most) {
    return BadField(*value, "Invalid '" + value->path() + "': expected " + std::to_string(least) +
                                " to " + std::to_string(most) + ", found " +
                                std::to_string(*number) + ".");
  }
  return std::optional(*number);
}

Result<std::optional<double>> ReadNumber(const json::Value& object, std::string_view key,
                                         double least, double most) {
  const std::optional<json::Value> value = object.GetSet(key);
  if (!value) {
    return std::optional<double>();
  }
  Result<double> number = value->AsNumber();
  if (!number) {
    return std::unexpected(number.error());
  }
  if (!(*number >= least && *number <= most)) {
    return BadField(*value, "Invalid '" + value->path() + "': expected " + Short(least) + " to " +
                                Short(most) + ".");
  }
  return std::optional(*number);
}

Result<bool> ReadBool(const json::Value& object, std::string_view key, bool absent) {
  const std::optional<json::Value> value = object.GetSet(key);
  return value ? value->AsBool() : Result<bool>(absent);
}

Result<std::string> ReadModel(const json::Value& object) {
  Result<json::Value> value = object.Require("model");
  if (!value) {
    return std::unexpected(value.error());
  }
  return value->AsName(128);
}

Result<Plaintext> ReadText(const json::Value& content, std::span<const std::string_view> types) {
  if (content.kind() == Kind::kString) {
    Result<PlaintextView> text = content.AsString();
    return text ? Result<Plaintext>(Plaintext::Copy(*text)) : std::unexpected(text.error());
  }
  if (content.kind() != Kind::kArray) {
    return BadField(content, "Invalid type for '" + content.path() +
                                 "': expected a string or an array of text parts.");
  }
  Plaintext joined;
  for (const json::Value& part : content.Elements()) {
    Result<json::Value> type_value = part.Require("type");
    if (!type_value) {
      return std::unexpected(type_value.error());
    }
    Result<std::string> type = type_value->AsName(64);
    if (!type) {
      return std::unexpected(type.error());
    }
    if (!Contains(types, *type)) {
      return BadField(*type_value, "Unsupported content part '" + *type + "' at '" +
                                       type_value->path() + "': expected " + Joined(types) + ".");
    }
    Result<json::Value> text_value = part.Require("text");
    if (!text_value) {
      return std::unexpected(text_value.error());
    }
    Result<PlaintextView> text = text_value->AsString();
    if (!text) {
      return std::unexpected(text.error());
    }
    if (!joined.empty()) {
      joined.AppendLiteral("\n");
    }
    joined.Append(*text);
  }
  return joined;
}

}  // namespace casemate::api
