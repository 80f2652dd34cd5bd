#include "api/response_request.h"

#include <algorithm>

#include "api/chat_request.h"
#include "api/errors.h"
#include "api/fields.h"
#include "api/search.h"
#include "custody/messages.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::int64_t kMaxTokensAsked = 1 << 24;
constexpr std::string_view kServed[] = {
    "model",        "input", "instructions", "tools", "tool_choice",       "stream",
    "temperature",  "top_p", "include",      "store", "max_output_tokens", "previous_response_id",
    "conversation", "prompt"};
constexpr std::string_view kIgnored[] = {"background",
                                         "context_management",
                                         "max_tool_calls",
                                         "metadata",
                                         "moderation",
                                         "parallel_tool_calls",
                                         "prompt_cache_key",
                                         "prompt_cache_options",
                                         "prompt_cache_retention",
                                         "reasoning",
                                         "safety_identifier",
                                         "service_tier",
                                         "stream_options",
                                         "text",
                                         "top_logprobs",
                                         "truncation",
                                         "user"};
constexpr std::string_view kItemServed[] = {"type", "role", "content"};
constexpr std::string_view kItemIgnored[] = {"id", "status", "phase"};
constexpr std::string_view kTextTypes[] = {"input_text", "output_text", "text"};
constexpr std::string_view kToolServed[] = {"type", "vector_store_ids", "max_num_results",
                                            "ranking_options", "filters"};

void AddAll(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

Result<void> RefuseState(const json::Value& root, ResponseRequest&) {
  for (std::string_view key : {"previous_response_id", "conversation", "prompt"}) {
    if (const std::optional<json::Value> value = root.GetSet(key)) {
      return BadField(*value, "'" + std::string(key) +
                                  "' is not served: this server stores no responses, conversations "
                                  "or prompts. Send the earlier messages in 'input'.");
    }
  }
  return {};
}

Result<std::string> ReadName(const json::Value& holder, std::string_view key) {
  Result<json::Value> value = holder.Require(key);
  return value ? value->AsName(64) : std::unexpected(value.error());
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
    if (*type != "message") {
      return BadField(*type_value, "Invalid '" + type_value->path() +
                                       "': expected 'message', found '" + *type + "'.");
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

Result<FileSearch> ReadFileSearch(const json::Value& tool, std::vector<std::string>& ignored) {
  Result<std::vector<std::string>> known = CheckFields(tool, {kToolServed, {}});
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

Result<void> ReadTools(const json::Value& root, ResponseRequest& request) {
  const std::optional<json::Value> tools = root.GetSet("tools");
  if (!tools) {
    return {};
  }
  if (tools->kind() != Kind::kArray || tools->size() > 128) {
    return BadField(*tools, "Invalid 'tools': expected an array of at most 128 tools.");
  }
  for (const json::Value& tool : tools->Elements()) {
    Result<std::string> type = ReadName(tool, "type");
    if (!type) {
      return std::unexpected(type.error());
    }
    if (*type != "file_search") {
      request.ignored.push_back(tool.path());
      continue;
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
  }
  return {};
}

Result<void> ReadToolChoice(const json::Value& root, ResponseRequest& request) {
  const std::optional<json::Value> choice = root.GetSet("tool_choice");
  if (!choice) {
    return {};
  }
  Result<std::string> name =
      choice->kind() == Kind::kObject ? ReadName(*choice, "type") : choice->AsName(64);
  if (!name) {
    return std::unexpected(name.error());
  }
  if (*name != "auto" && *name != "none" && *name != "required" && *name != "file_search") {
    return BadField(*choice,
                    "Invalid 'tool_choice': expected 'auto', 'none', 'required' or "
                    "{\"type\": \"file_search\"}, found '" +
                        *name + "'.");
  }
  request.tool_choice = std::move(*name);
  return {};
}

Result<void> ReadInclude(const json::Value& root, ResponseRequest& request) {
  const std::optional<json::Value> include = root.GetSet("include");
  if (!include) {
    return {};
  }
  if (include->kind() != Kind::kArray) {
    return BadField(*include, "Invalid 'include': expected an array of strings.");
  }
  for (const json::Value& value : include->Elements()) {
    Result<std::string> name = value.AsName(128);
    if (!name) {
      return std::unexpected(name.error());
    }
    if (*name == "file_search_call.results") {
      request.include_results = true;
    } else {
      request.ignored.push_back(value.path());
    }
  }
  return {};
}

Result<void> ReadRest(const json::Value& root, ResponseRequest& request) {
  if (const std::optional<json::Value> value = root.GetSet("instructions")) {
    Result<PlaintextView> text = value->AsString();
    if (!text) {
      return std::unexpected(text.error());
    }
    request.instructions = Plaintext::Copy(*text);
  }
  Result<bool> stream = ReadBool(root, "stream", false);
  if (!stream) {
    return std::unexpected(stream.error());
  }
  request.stream = *stream;
  Result<bool> store = ReadBool(root, "store", false);
  if (!store) {
    return std::unexpected(store.error());
  }
  if (*store) {
    request.ignored.emplace_back("store");
  }
  Result<std::optional<std::int64_t>> most =
      ReadInteger(root, "max_output_tokens", 1, kMaxTokensAsked);
  if (!most) {
    return std::unexpected(most.error());
  }
  request.sampling.max_tokens = static_cast<std::uint32_t>(most->value_or(0));
  request.temperature_given = root.GetSet("temperature").has_value();
  return ReadSampling(root, request.sampling);
}

}  // namespace

Result<ResponseRequest> ParseResponseRequest(const json::Value& root) {
  Result<std::vector<std::string>> known = CheckFields(root, {kServed, kIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  ResponseRequest request;
  AddAll(request.ignored, *known);
  Result<std::string> model = ReadModel(root);
  if (!model) {
    return std::unexpected(model.error());
  }
  request.model = std::move(*model);
  for (auto read : {RefuseState, ReadInput, ReadTools, ReadToolChoice, ReadInclude, ReadRest}) {
    if (Result<void> done = read(root, request); !done) {
      return std::unexpected(done.error());
    }
  }
  return request;
}

}  // namespace casemate::api
