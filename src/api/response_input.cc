#include <optional>

#include "api/fields.h"
#include "api/response_request.h"
#include "json/copy.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::string_view kItemServed[] = {"type", "role", "content"};
constexpr std::string_view kItemIgnored[] = {"id", "status", "phase"};
constexpr std::string_view kCallServed[] = {"type", "call_id", "name", "arguments"};
constexpr std::string_view kCallIgnored[] = {"id", "status", "caller", "namespace"};
constexpr std::string_view kOutputServed[] = {"type", "call_id", "output"};
constexpr std::string_view kTextTypes[] = {"input_text", "output_text", "text"};

Result<std::string> ReadName(const json::Value& holder, std::string_view key) {
  Result<json::Value> value = holder.Require(key);
  return value ? value->AsName(64) : std::unexpected(value.error());
}

// An earlier call. Calls that follow each other are one message of the assistant.
Result<void> ReadCall(const json::Value& item, ResponseRequest& request) {
  Result<std::vector<std::string>> known = CheckFields(item, {kCallServed, kCallIgnored});
  Result<std::string> id = known ? ReadName(item, "call_id") : std::unexpected(known.error());
  Result<std::string> name = id ? ReadName(item, "name") : std::unexpected(id.error());
  Result<json::Value> arguments = name ? item.Require("arguments") : std::unexpected(name.error());
  Result<PlaintextView> text =
      arguments ? arguments->AsString() : std::unexpected(arguments.error());
  if (!text) {
    return std::unexpected(text.error());
  }
  json::Writer writer;
  writer.BeginObject().Key("id").String(*id).Key("type").String("function");
  writer.Key("function").BeginObject().Key("name").String(*name);
  writer.Key("arguments").Content(*text).EndObject().EndObject();
  const Plaintext call = writer.Take();
  const bool join = !request.input.empty() && !request.input.back().tool_calls.empty();
  if (!join) {
    request.input.push_back({.role = "assistant", .content = {}});
  }
  Plaintext& calls = request.input.back().tool_calls;
  if (join) {
    calls.Truncate(calls.size() - 1);  // the closing bracket
  }
  calls.AppendLiteral(join ? "," : "[");
  calls.Append(call);
  calls.AppendLiteral("]");
  return {};
}

// What a called function gave.
Result<void> ReadCallOutput(const json::Value& item, ResponseRequest& request) {
  Result<std::vector<std::string>> known = CheckFields(item, {kOutputServed, kCallIgnored});
  Result<std::string> id = known ? ReadName(item, "call_id") : std::unexpected(known.error());
  Result<json::Value> output = id ? item.Require("output") : std::unexpected(id.error());
  Result<Plaintext> text = output ? ReadText(*output, kTextTypes) : std::unexpected(output.error());
  if (!text) {
    return std::unexpected(text.error());
  }
  request.input.push_back(
      {.role = "tool", .content = std::move(*text), .tool_call_id = Plaintext::Copy(*id)});
  return {};
}

Result<void> ReadItem(const json::Value& item, ResponseRequest& request) {
  if (const std::optional<json::Value> type_value = item.GetSet("type")) {
    Result<std::string> type = type_value->AsName(64);
    if (!type) {
      return std::unexpected(type.error());
    }
    // What earlier answers of ours carried besides their message.
    if (*type == "file_search_call" || *type == "reasoning") {
      request.ignored.push_back(item.path());
      return {};
    }
    if (*type == "function_call") {
      return ReadCall(item, request);
    }
    if (*type == "function_call_output") {
      return ReadCallOutput(item, request);
    }
    if (*type != "message") {
      return BadField(*type_value, "Invalid '" + type_value->path() +
                                       "': expected 'message', 'function_call' or " +
                                       "'function_call_output', found '" + *type + "'.");
    }
  }
  Result<std::vector<std::string>> known = CheckFields(item, {kItemServed, kItemIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  Result<std::string> role = ReadName(item, "role");
  if (!role) {
    return std::unexpected(role.error());
  }
  if (*role == "developer") {
    *role = "system";
  }
  if (*role != "system" && *role != "user" && *role != "assistant") {
    return BadField(*item.Get("role"), "Invalid '" + item.path() +
                                           ".role': expected 'user', 'assistant', 'system' or "
                                           "'developer', found '" +
                                           *role + "'.");
  }
  Result<json::Value> content = item.Require("content");
  if (!content) {
    return std::unexpected(content.error());
  }
  Result<Plaintext> text = ReadText(*content, kTextTypes);
  if (!text) {
    return std::unexpected(text.error());
  }
  request.input.push_back({.role = std::move(*role), .content = std::move(*text)});
  return {};
}

}  // namespace

Result<void> ReadInput(const json::Value& root, ResponseRequest& request) {
  Result<json::Value> input = root.Require("input");
  if (!input) {
    return std::unexpected(input.error());
  }
  if (input->kind() == Kind::kString) {
    Result<PlaintextView> text = input->AsString();
    if (!text) {
      return std::unexpected(text.error());
    }
    request.input.push_back({.role = "user", .content = Plaintext::Copy(*text)});
    return {};
  }
  if (input->kind() != Kind::kArray || input->size() > kMaxInputItems) {
    return BadField(*input, "Invalid 'input': expected a string or an array of at most " +
                                std::to_string(kMaxInputItems) + " messages.");
  }
  for (const json::Value& item : input->Elements()) {
    if (Result<void> read = ReadItem(item, request); !read) {
      return read;
    }
  }
  if (request.input.empty()) {
    return BadField(*input, "Invalid 'input': there is no message in it.");
  }
  return {};
}

}  // namespace casemate::api
