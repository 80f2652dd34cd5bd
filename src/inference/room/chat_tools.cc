#include "inference/room/chat_tools.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <string_view>

namespace casemate::inference {
namespace {

using Json = nlohmann::ordered_json;

std::unexpected<Error> Refuse(std::string param, std::string message) {
  return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                               .message = std::move(message),
                               .param = std::move(param),
                               .detail = {}});
}

// No control token of any known vocabulary consists of these alone.
bool IsHarmless(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ',' || c == ' ' || c == '$';
  });
}

Result<Json> ParseArray(PlaintextView text, const std::string& param) {
  if (text.size() > kMaxToolsBytes) {
    return Refuse(param, param + ": tools of " + std::to_string(text.size()) +
                             " bytes, the limit is " + std::to_string(kMaxToolsBytes));
  }
  bool too_deep = false;
  try {
    Json parsed = Json::parse(text.Reveal(), [&too_deep](int depth, Json::parse_event_t, Json&) {
      too_deep = too_deep || depth > static_cast<int>(kMaxToolsNesting);
      return !too_deep;
    });
    if (!too_deep && parsed.is_array()) {
      return parsed;
    }
  } catch (const std::exception&) {
    // Its message quotes the text.
    return Refuse(param, param + ": the tools are not JSON");
  }
  return Refuse(param, param + ": the tools are not a JSON array of at most 64 levels");
}

bool Hide(Json& value, ChatFills& fills) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (!IsHarmless(text)) {
      value = fills.Add(PlaintextView::Of(std::string_view(text)), ChatFills::Kind::kString);
    }
    return true;
  }
  if (value.is_object()) {
    for (auto& [name, member] : value.items()) {
      if (!IsHarmless(name) || !Hide(member, fills)) {
        return false;
      }
    }
  } else if (value.is_array()) {
    return std::ranges::all_of(value, [&fills](Json& element) { return Hide(element, fills); });
  }
  return true;
}

// Throws what nlohmann throws where the call has another form.
std::string ArgumentsOf(const Json& call) {
  const Json& arguments = call.at("function").at("arguments");
  if (!arguments.is_string()) {
    return arguments.dump();
  }
  const auto& text = arguments.get_ref<const std::string&>();
  return Json::accept(text) ? text : arguments.dump();
}

constexpr std::string_view kToolsBegin =
    "You may call one or more functions to assist with the user query. You are provided with "
    "function signatures within <tools></tools> XML tags:\n<tools>\n";
constexpr std::string_view kToolsEnd =
    "</tools>\nFor each function call, return a json object with function name and arguments "
    "within <tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, "
    "\"arguments\": <args-json-object>}\n</tool_call>";

Result<Plaintext> WriteTools(PlaintextView tools) {
  Result<Json> parsed = ParseArray(tools, "tools");
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  Plaintext text = Plaintext::Copy(kToolsBegin);
  for (const Json& tool : *parsed) {
    text.Append(PlaintextView::Of(std::string_view(tool.dump())));
    text.AppendLiteral("\n");
  }
  text.AppendLiteral(kToolsEnd);
  return text;
}

Result<Plaintext> WriteCalls(const ChatMessage& message) {
  Result<Json> calls = ParseArray(message.tool_calls, "messages");
  if (!calls) {
    return std::unexpected(calls.error());
  }
  Plaintext text = Plaintext::Copy(message.content);
  try {
    for (const Json& call : *calls) {
      if (!text.empty()) {
        text.AppendLiteral("\n");
      }
      text.AppendLiteral("<tool_call>\n{\"name\": ");
      text.Append(PlaintextView::Of(std::string_view(call.at("function").at("name").dump())));
      text.AppendLiteral(", \"arguments\": ");
      text.Append(PlaintextView::Of(std::string_view(ArgumentsOf(call))));
      text.AppendLiteral("}\n</tool_call>");
    }
  } catch (const std::exception&) {
    return Refuse("messages", "messages: a tool call has a function with name and arguments");
  }
  return text;
}

}  // namespace

Result<std::string> HideTools(PlaintextView tools, ChatFills& fills) {
  Result<Json> parsed = ParseArray(tools, "tools");
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  if (!Hide(*parsed, fills)) {
    return Refuse("tools",
                  "tools: the names of properties are made of letters, digits and _-.,$ here");
  }
  return parsed->dump();
}

Result<std::string> HideToolCalls(PlaintextView calls, std::size_t message, ChatFills& fills) {
  Result<Json> parsed = ParseArray(calls, "messages");
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  Json shown = Json::array();
  try {
    for (const Json& call : *parsed) {
      const std::string id = call.value("id", std::string());
      const auto name = call.at("function").at("name").get<std::string>();
      if (!IsHarmless(id) || !IsHarmless(name)) {
        return Refuse("messages",
                      "messages: ids and names of tool calls are made of letters, digits and _-");
      }
      std::string arguments = fills.Add(PlaintextView::Of(std::string_view(ArgumentsOf(call))),
                                        ChatFills::Kind::kJson, message);
      shown.push_back({{"id", id},
                       {"type", "function"},
                       {"function", {{"name", name}, {"arguments", std::move(arguments)}}}});
    }
  } catch (const std::exception&) {
    return Refuse("messages", "messages: a tool call has a function with name and arguments");
  }
  return shown.dump();
}

Result<std::vector<ChatMessage>> DescribeTools(const std::vector<ChatMessage>& messages,
                                               PlaintextView tools) {
  std::vector<ChatMessage> described;
  described.reserve(messages.size() + 1);
  for (const ChatMessage& message : messages) {
    Plaintext content = Plaintext::Copy(message.content);
    std::string role = message.role;
    if (!message.tool_calls.empty()) {
      Result<Plaintext> calls = WriteCalls(message);
      if (!calls) {
        return std::unexpected(calls.error());
      }
      content = std::move(*calls);
    } else if (role == "tool") {
      role = "user";
      content = Plaintext::Copy(std::string_view("<tool_response>\n"));
      content.Append(message.content);
      content.AppendLiteral("\n</tool_response>");
    }
    described.push_back({.role = std::move(role),
                         .content = std::move(content),
                         .tool_calls = {},
                         .tool_call_id = {}});
  }
  if (tools.empty()) {
    return described;
  }
  Result<Plaintext> text = WriteTools(tools);
  if (!text) {
    return std::unexpected(text.error());
  }
  if (described.empty() || described.front().role != "system") {
    described.insert(
        described.begin(),
        ChatMessage{
            .role = "system", .content = std::move(*text), .tool_calls = {}, .tool_call_id = {}});
  } else {
    described.front().content.AppendLiteral("\n\n");
    described.front().content.Append(*text);
  }
  return described;
}

}  // namespace casemate::inference
