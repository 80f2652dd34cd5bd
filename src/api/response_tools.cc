#include <optional>

#include "api/fields.h"
#include "api/response_request.h"
#include "api/search.h"
#include "custody/messages.h"
#include "json/copy.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::string_view kSearchServed[] = {"type", "vector_store_ids", "max_num_results",
                                              "ranking_options", "filters"};
constexpr std::string_view kFunctionOuter[] = {"type"};

Result<std::string> ReadName(const json::Value& holder, std::string_view key) {
  Result<json::Value> value = holder.Require(key);
  return value ? value->AsName(64) : std::unexpected(value.error());
}

Result<FileSearch> ReadFileSearch(const json::Value& tool, std::vector<std::string>& ignored) {
  Result<std::vector<std::string>> known = CheckFields(tool, {kSearchServed, {}});
  if (!known) {
    return std::unexpected(known.error());
  }
  if (Result<void> none = RefuseFilters(tool); !none) {
    return std::unexpected(none.error());
  }
  FileSearch search;
  Result<json::Value> stores = tool.Require("vector_store_ids");
  if (!stores) {
    return std::unexpected(stores.error());
  }
  if (stores->kind() != Kind::kArray || stores->size() == 0 ||
      stores->size() > custody::kMaxCollectionsPerTicket) {
    return BadField(*stores, "Invalid '" + stores->path() + "': expected an array of 1 to " +
                                 std::to_string(custody::kMaxCollectionsPerTicket) + " ids.");
  }
  for (const json::Value& value : stores->Elements()) {
    Result<std::string> text = value.AsName();
    if (!text) {
      return std::unexpected(text.error());
    }
    Result<CollectionId> id = CollectionId::Parse(*text);
    if (!id) {
      return std::unexpected(Error{.code = ErrorCode::kNotFound,
                                   .message = "There is no vector store '" + *text + "'.",
                                   .param = value.path(),
                                   .detail = {}});
    }
    search.collections.push_back(*id);
  }
  Result<std::optional<std::int64_t>> most =
      ReadInteger(tool, "max_num_results", 1, kMaxSearchResults);
  if (!most) {
    return std::unexpected(most.error());
  }
  if (*most) {
    search.max_num_results = static_cast<std::size_t>(**most);
  }
  Result<double> threshold = ReadScoreThreshold(tool, ignored);
  if (!threshold) {
    return std::unexpected(threshold.error());
  }
  search.score_threshold = *threshold;
  return search;
}

// The function as a response repeats it.
Plaintext FunctionJson(const ToolFunction& function) {
  json::Writer writer;
  writer.BeginObject().Key("type").String("function").Key("name").String(function.name);
  for (std::string_view key : {"description", "parameters"}) {
    writer.Key(key);
    if (const std::optional<json::Value> value = function.definition.GetSet(key)) {
      json::Copy(writer, *value);
    } else {
      writer.Null();
    }
  }
  writer.Key("strict").Bool(function.strict).EndObject();
  return writer.Take();
}

Result<void> ReadTool(const json::Value& tool, ResponseRequest& request, ToolRequest& tools) {
  Result<std::string> type = ReadName(tool, "type");
  if (!type) {
    return std::unexpected(type.error());
  }
  if (*type == "function") {
    Result<ToolFunction> function = ReadFunction(tool, kFunctionOuter);
    if (!function) {
      return std::unexpected(function.error());
    }
    request.tools_json.push_back(FunctionJson(*function));
    return AddFunction(tool, std::move(*function), tools);
  }
  if (*type != "file_search") {
    request.ignored.push_back(tool.path());
    return {};
  }
  if (request.file_search) {
    return BadField(tool,
                    "One file_search tool is served per request; name every vector store "
                    "in its 'vector_store_ids'.");
  }
  Result<FileSearch> search = ReadFileSearch(tool, request.ignored);
  if (!search) {
    return std::unexpected(search.error());
  }
  request.file_search = std::move(*search);
  return {};
}

Result<void> ReadToolChoice(const json::Value& root, ResponseRequest& request, ToolRequest& tools) {
  const std::optional<json::Value> choice = root.GetSet("tool_choice");
  if (!choice) {
    return {};
  }
  Result<std::string> name =
      choice->kind() == Kind::kObject ? ReadName(*choice, "type") : choice->AsName(64);
  if (!name) {
    return std::unexpected(name.error());
  }
  if (*name == "function" && choice->kind() == Kind::kObject) {
    Result<std::string> function = ReadName(*choice, "name");
    Result<void> chosen = function ? ChooseFunction(*choice, *function, tools)
                                   : Result<void>(std::unexpected(function.error()));
    if (!chosen) {
      return chosen;
    }
    request.tool_choice_json = json::Text(*choice);
  } else if (*name != "auto" && *name != "none" && *name != "required" && *name != "file_search") {
    return BadField(*choice,
                    "Invalid 'tool_choice': expected 'auto', 'none', 'required', {\"type\": "
                    "\"file_search\"} or {\"type\": \"function\", \"name\": ...}, found '" +
                        *name + "'.");
  }
  // The search is always carried out, and is a tool that has been called.
  if (*name == "required" && !request.file_search) {
    tools.choice = ToolRequest::Choice::kRequired;
  } else if (*name == "none" || *name == "file_search") {
    tools.choice = ToolRequest::Choice::kNone;
  }
  request.tool_choice = std::move(*name);
  return {};
}

}  // namespace

Result<void> ReadResponseTools(const json::Value& root, ResponseRequest& request,
                               ToolRequest& tools) {
  if (const std::optional<json::Value> list = root.GetSet("tools")) {
    if (list->kind() != Kind::kArray || list->size() > kMaxTools) {
      return BadField(*list, "Invalid 'tools': expected an array of at most 128 tools.");
    }
    for (const json::Value& tool : list->Elements()) {
      if (Result<void> read = ReadTool(tool, request, tools); !read) {
        return read;
      }
    }
  }
  if (Result<void> parallel = ReadParallel(root, tools); !parallel) {
    return parallel;
  }
  request.parallel_tool_calls = tools.parallel;
  return ReadToolChoice(root, request, tools);
}

}  // namespace casemate::api
