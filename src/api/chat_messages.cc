#include <algorithm>

#include "api/chat_request.h"
#include "api/fields.h"
#include "api/tool_request.h"
#include "json/copy.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::string_view kServed[] = {"role", "content", "tool_calls", "tool_call_id"};
constexpr std::string_view kIgnored[] = {"name", "refusal", "audio", "annotations",
                                         "function_call"};
constexpr std::string_view kCallServed[] = {"id", "type", "function"};
constexpr std::string_view kCallIgnored[] = {"index"};
constexpr std::string_view kCalledServed[] = {"name", "arguments"};
constexpr std::string_view kTextTypes[] = {"text"};

Result<std::string> ReadRole(const json::Value& message) {
  Result<json::Value> value = message.Require("role");
  if (!value) {
    return std::unexpected(value.error());
  }
  Result<std::string> role = value->AsName(32);
  if (!role) {
    return role;
  }
  if (*role == "developer") {
    return "system";
  }
  if (*role != "system" && *role != "user" && *role != "assistant" && *role != "tool") {
    return BadField(*value, "Invalid '" + value->path() +
                                "': expected 'system', 'developer', 'user', 'assistant' or "
                                "'tool', found '" +
                                *role + "'.");
  }
  return role;
}

// One earlier call: {"id", "type": "function", "function": {"name", "arguments": "JSON"}}.
Result<void> CheckCall(const json::Value& call) {
  Result<std::vector<std::string>> known = CheckFields(call, {kCallServed, kCallIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  Result<json::Value> id = call.Require("id");
  Result<json::Value> function = id ? call.Require("function") : std::unexpected(id.error());
  if (!function) {
    return std::unexpected(function.error());
  }
  known = CheckFields(*function, {kCalledServed, {}});
  Result<json::Value> name = known ? function->Require("name") : std::unexpected(known.error());
  Result<json::Value> arguments =
      name ? function->Require("arguments") : std::unexpected(name.error());
  if (!arguments) {
    return std::unexpected(arguments.error());
  }
  for (const json::Value& value : {*id, *name}) {
    if (Result<std::string> text = value.AsName(256); !text) {
      return std::unexpected(text.error());
    }
  }
  Result<PlaintextView> text = arguments->AsString();
  return text ? Result<void>() : std::unexpected(text.error());
}

Result<void> ReadCalls(const json::Value& value, inference::ChatMessage& message) {
  const std::optional<json::Value> calls = value.GetSet("tool_calls");
  if (!calls) {
    return {};
  }
  if (message.role != "assistant") {
    return BadField(*calls, "'" + calls->path() + "' belongs to messages of the assistant.");
  }
  if (calls->kind() != Kind::kArray || calls->size() > kMaxTools) {
    return BadField(*calls, "Invalid '" + calls->path() + "': expected an array of at most " +
                                std::to_string(kMaxTools) + " calls.");
  }
  for (const json::Value& call : calls->Elements()) {
    if (Result<void> checked = CheckCall(call); !checked) {
      return checked;
    }
  }
  if (calls->size() > 0) {
    message.tool_calls = json::Text(*calls);
  }
  return {};
}

Result<void> ReadCallId(const json::Value& value, inference::ChatMessage& message) {
  const std::optional<json::Value> id = value.GetSet("tool_call_id");
  if (message.role != "tool") {
    return id ? Result<void>(BadField(*id, "'" + id->path() + "' belongs to messages of tools."))
              : Result<void>();
  }
  Result<json::Value> required = value.Require("tool_call_id");
  Result<std::string> text = required ? required->AsName(256) : std::unexpected(required.error());
  if (!text) {
    return std::unexpected(text.error());
  }
  message.tool_call_id = Plaintext::Copy(*text);
  return {};
}

Result<inference::ChatMessage> ReadMessage(const json::Value& value,
                                           std::vector<std::string>& ignored) {
  Result<std::vector<std::string>> known = CheckFields(value, {kServed, kIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  ignored.insert(ignored.end(), known->begin(), known->end());
  Result<std::string> role = ReadRole(value);
  if (!role) {
    return std::unexpected(role.error());
  }
  inference::ChatMessage message{.role = std::move(*role)};
  for (auto read : {ReadCalls, ReadCallId}) {
    if (Result<void> done = read(value, message); !done) {
      return std::unexpected(done.error());
    }
  }
  if (!message.tool_calls.empty() && !value.GetSet("content")) {
    return message;  // a call without words
  }
  Result<json::Value> content = value.Require("content");
  if (!content) {
    return std::unexpected(content.error());
  }
  Result<Plaintext> text = ReadText(*content, kTextTypes);
  if (!text) {
    return std::unexpected(text.error());
  }
  message.content = std::move(*text);
  return message;
}

}  // namespace

Result<std::vector<inference::ChatMessage>> ReadMessages(const json::Value& root,
                                                         std::vector<std::string>& ignored) {
  Result<json::Value> values = root.Require("messages");
  if (!values) {
    return std::unexpected(values.error());
  }
  if (values->kind() != Kind::kArray || values->size() == 0 || values->size() > kMaxMessages) {
    return BadField(*values, "Invalid 'messages': expected an array of 1 to " +
                                 std::to_string(kMaxMessages) + " messages.");
  }
  std::vector<inference::ChatMessage> messages;
  for (const json::Value& value : values->Elements()) {
    Result<inference::ChatMessage> message = ReadMessage(value, ignored);
    if (!message) {
      return std::unexpected(message.error());
    }
    messages.push_back(std::move(*message));
  }
  return messages;
}

}  // namespace casemate::api
