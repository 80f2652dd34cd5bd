#include "api/tool_request.h"

#include <algorithm>

#include "api/fields.h"
#include "json/copy.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::string_view kFunctionServed[] = {"name", "description", "parameters", "strict"};
constexpr std::string_view kToolServed[] = {"type", "function"};

bool IsFunctionName(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string_view::npos;
}

Result<std::string> ReadName(const json::Value& holder, std::string_view key) {
  Result<json::Value> value = holder.Require(key);
  return value ? value->AsName(64) : std::unexpected(value.error());
}

}  // namespace

std::vector<std::string> ToolRequest::names() const {
  std::vector<std::string> names;
  for (const ToolFunction& function : functions) {
    names.push_back(function.name);
  }
  return names;
}

Plaintext ToolRequest::Json() const {
  if (!offered()) {
    return {};
  }
  json::Writer writer;
  writer.BeginArray();
  for (const ToolFunction& function : functions) {
    writer.BeginObject().Key("type").String("function").Key("function").BeginObject();
    for (const json::Value::Member& member : function.definition.Members()) {
      if (member.key != "type" && member.key != "strict" && !member.value.is_null()) {
        writer.Key(member.key);
        json::Copy(writer, member.value);
      }
    }
    writer.EndObject().EndObject();
  }
  writer.EndArray();
  return writer.Take();
}

Result<ToolFunction> ReadFunction(const json::Value& object,
                                  std::span<const std::string_view> outer) {
  Result<std::vector<std::string>> known = CheckFields(object, {kFunctionServed, {}, outer});
  if (!known) {
    return std::unexpected(known.error());
  }
  Result<std::string> name = ReadName(object, "name");
  if (!name) {
    return std::unexpected(name.error());
  }
  if (!IsFunctionName(*name)) {
    return BadField(*object.Get("name"), "Invalid '" + object.path() +
                                             ".name': expected 1 to 64 letters, digits, '_' and "
                                             "'-'.");
  }
  if (const std::optional<json::Value> description = object.GetSet("description")) {
    if (Result<PlaintextView> text = description->AsString(); !text) {
      return std::unexpected(text.error());
    }
  }
  Result<bool> strict = ReadBool(object, "strict", false);
  if (!strict) {
    return std::unexpected(strict.error());
  }
  const std::optional<json::Value> parameters = object.GetSet("parameters");
  if (parameters && parameters->size() > 0) {
    const std::optional<json::Value> type = parameters->GetSet("type");
    Result<std::string> type_name = type ? type->AsName(16) : Result<std::string>("");
    if (parameters->kind() != Kind::kObject || !type_name || *type_name != "object") {
      return BadField(*parameters, "Invalid '" + parameters->path() +
                                       "': expected a JSON Schema of \"type\": \"object\".");
    }
  }
  return ToolFunction{
      .name = std::move(*name),
      .parameters = parameters && parameters->size() > 0 ? parameters : std::nullopt,
      .strict = *strict,
      .definition = object};
}

Result<void> AddFunction(const json::Value& tool, ToolFunction function, ToolRequest& tools) {
  for (const ToolFunction& other : tools.functions) {
    if (other.name == function.name) {
      return BadField(tool, "Two tools have the name '" + function.name + "'.");
    }
  }
  tools.functions.push_back(std::move(function));
  return {};
}

Result<void> ReadChatTools(const json::Value& root, ToolRequest& tools) {
  const std::optional<json::Value> list = root.GetSet("tools");
  if (!list) {
    return {};
  }
  if (list->kind() != Kind::kArray || list->size() > kMaxTools) {
    return BadField(*list, "Invalid 'tools': expected an array of at most " +
                               std::to_string(kMaxTools) + " tools.");
  }
  for (const json::Value& tool : list->Elements()) {
    Result<std::vector<std::string>> known = CheckFields(tool, {kToolServed, {}});
    if (!known) {
      return std::unexpected(known.error());
    }
    Result<std::string> type = ReadName(tool, "type");
    if (!type) {
      return std::unexpected(type.error());
    }
    if (*type != "function") {
      return BadField(
          *tool.Get("type"),
          "Invalid '" + tool.path() + ".type': 'function' is served, found '" + *type + "'.");
    }
    Result<json::Value> object = tool.Require("function");
    if (!object) {
      return std::unexpected(object.error());
    }
    Result<ToolFunction> function = ReadFunction(*object, {});
    if (!function) {
      return std::unexpected(function.error());
    }
    if (Result<void> added = AddFunction(tool, std::move(*function), tools); !added) {
      return added;
    }
  }
  return {};
}

Result<void> ReadParallel(const json::Value& root, ToolRequest& tools) {
  Result<bool> parallel = ReadBool(root, "parallel_tool_calls", true);
  if (!parallel) {
    return std::unexpected(parallel.error());
  }
  tools.parallel = *parallel;
  return {};
}

Result<void> ChooseFunction(const json::Value& choice, std::string name, ToolRequest& tools) {
  const std::vector<std::string> names = tools.names();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return BadField(choice, "Invalid '" + choice.path() + "': there is no function '" + name +
                                "' among the tools.");
  }
  tools.choice = ToolRequest::Choice::kNamed;
  tools.named = std::move(name);
  return {};
}

Result<void> ReadChatToolChoice(const json::Value& root, ToolRequest& tools) {
  if (Result<void> parallel = ReadParallel(root, tools); !parallel) {
    return parallel;
  }
  const std::optional<json::Value> choice = root.GetSet("tool_choice");
  if (!choice) {
    return {};
  }
  if (tools.functions.empty()) {
    return BadField(*choice, "'tool_choice' is allowed only with 'tools'.");
  }
  if (choice->kind() == Kind::kObject) {
    Result<std::vector<std::string>> known = CheckFields(*choice, {kToolServed, {}});
    Result<json::Value> function =
        known ? choice->Require("function") : std::unexpected(known.error());
    Result<std::string> name =
        function ? ReadName(*function, "name") : std::unexpected(function.error());
    return name ? ChooseFunction(*choice, std::move(*name), tools) : std::unexpected(name.error());
  }
  Result<std::string> name = choice->AsName(64);
  if (!name) {
    return std::unexpected(name.error());
  }
  if (*name != "auto" && *name != "none" && *name != "required") {
    return BadField(*choice,
                    "Invalid 'tool_choice': expected 'auto', 'none', 'required' or {\"type\": "
                    "\"function\", \"function\": {\"name\": ...}}, found '" +
                        *name + "'.");
  }
  tools.choice = *name == "auto"   ? ToolRequest::Choice::kAuto
                 : *name == "none" ? ToolRequest::Choice::kNone
                                   : ToolRequest::Choice::kRequired;
  return {};
}

}  // namespace casemate::api
