#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "json/reader.h"
#include "secmem/plaintext.h"

namespace casemate::api {

inline constexpr std::size_t kMaxTools = 128;
inline constexpr std::uint32_t kMaxParallelCalls = 8;

// One function that the model may call. `parameters` is a view into the request's body.
struct ToolFunction {
  std::string name;  // 1 to 64 of [A-Za-z0-9_-]
  std::optional<json::Value> parameters;
  bool strict = false;
  json::Value definition;  // the object that has the name: {"name", "description", "parameters"}
};

// The functions of a request, and whether they must be called. Chat and responses write them
// differently and mean the same.
struct ToolRequest {
  enum class Choice { kAuto, kNone, kRequired, kNamed };
  std::vector<ToolFunction> functions;
  Choice choice = Choice::kAuto;
  std::string named;  // with kNamed
  bool parallel = true;

  bool offered() const { return !functions.empty() && choice != Choice::kNone; }
  bool forced() const {
    return !functions.empty() && (choice == Choice::kRequired || choice == Choice::kNamed);
  }
  std::vector<std::string> names() const;
  // OpenAI's form of chat completions, for the model's template; empty when none is offered.
  Plaintext Json() const;
};

// One function's definition: of chat {"type": "function", "function": `object`}, of responses the
// tool itself. `outer`: members that stand beside the definition's own. Errors: kInvalidArgument.
[[nodiscard]] Result<ToolFunction> ReadFunction(const json::Value& object,
                                                std::span<const std::string_view> outer);
// "tools" of chat. Errors: kInvalidArgument: no functions, a name twice.
[[nodiscard]] Result<void> ReadChatTools(const json::Value& root, ToolRequest& tools);
[[nodiscard]] Result<void> AddFunction(const json::Value& tool, ToolFunction function,
                                       ToolRequest& tools);
// "parallel_tool_calls", and "tool_choice" of chat. Errors: kInvalidArgument: a function that is
// not among the tools, a choice without tools.
[[nodiscard]] Result<void> ReadChatToolChoice(const json::Value& root, ToolRequest& tools);
[[nodiscard]] Result<void> ReadParallel(const json::Value& root, ToolRequest& tools);
[[nodiscard]] Result<void> ChooseFunction(const json::Value& choice, std::string name,
                                          ToolRequest& tools);

}  // namespace casemate::api
