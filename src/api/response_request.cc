#include "api/response_request.h"

#include <algorithm>

#include "api/fields.h"
#include "api/sampling_request.h"
#include "json/copy.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::string_view kServed[] = {"model",        "input",
                                        "instructions", "tools",
                                        "tool_choice",  "parallel_tool_calls",
                                        "stream",       "include",
                                        "store",        "max_output_tokens",
                                        "top_logprobs", "text",
                                        "casemate",     "previous_response_id",
                                        "conversation", "prompt"};
constexpr std::string_view kIgnored[] = {"background",
                                         "context_management",
                                         "max_tool_calls",
                                         "metadata",
                                         "moderation",
                                         "prompt_cache_key",
                                         "prompt_cache_options",
                                         "prompt_cache_retention",
                                         "reasoning",
                                         "safety_identifier",
                                         "service_tier",
                                         "stream_options",
                                         "truncation",
                                         "user"};
constexpr std::string_view kTextServed[] = {"format"};
constexpr std::string_view kTextIgnored[] = {"verbosity"};

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
    } else if (*name == "message.output_text.logprobs") {
      request.sampling.logprobs = true;
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
  if (Result<void> length = ReadMaxTokens(root, {"max_output_tokens"}, request.sampling); !length) {
    return length;
  }
  Result<std::optional<std::int64_t>> top =
      ReadInteger(root, "top_logprobs", 0, inference::kMaxTopLogprobs);
  if (!top) {
    return std::unexpected(top.error());
  }
  request.sampling.top_logprobs = static_cast<std::uint32_t>(top->value_or(0));
  request.sampling.logprobs = request.sampling.logprobs || request.sampling.top_logprobs > 0;
  request.temperature_given = root.GetSet("temperature").has_value();
  return ReadSampling(root, request.sampling);
}

// The tools, the form of the text, and the grammar that both of them make.
Result<void> ReadFormatAndTools(const json::Value& root, ResponseRequest& request) {
  ToolRequest tools;
  if (Result<void> read = ReadResponseTools(root, request, tools); !read) {
    return read;
  }
  AnswerFormat format;
  if (const std::optional<json::Value> text = root.GetSet("text")) {
    Result<std::vector<std::string>> known = CheckFields(*text, {kTextServed, kTextIgnored});
    if (!known) {
      return std::unexpected(known.error());
    }
    AddAll(request.ignored, *known);
    if (const std::optional<json::Value> value = text->GetSet("format")) {
      Result<AnswerFormat> read = ReadFormat(*value, false);
      if (!read) {
        return std::unexpected(read.error());
      }
      format = std::move(*read);
      request.format_json = json::Text(*value);
    }
  }
  Result<Plaintext> grammar = AnswerGrammar(format, tools, request.ignored);
  if (!grammar) {
    return std::unexpected(grammar.error());
  }
  request.sampling.grammar = std::move(*grammar);
  request.sampling.tools = tools.Json();
  if (tools.offered()) {
    request.functions = tools.names();
  }
  return {};
}

Result<void> ReadQuoting(const json::Value& root, ResponseRequest& request) {
  Result<QuoteRequest> quotes = ReadQuotes(root, false);
  if (!quotes) {
    return std::unexpected(quotes.error());
  }
  request.quotes = std::move(*quotes);
  if (request.quotes.quotes == Quotes::kFree) {
    return {};
  }
  if (!request.file_search || request.tool_choice == "none") {
    return BadField(*root.Get("casemate"), "'casemate.quotes' needs the tool 'file_search'.");
  }
  if (!request.sampling.grammar.empty()) {
    return BadField(*root.Get("casemate"),
                    "'casemate.quotes' is not served beside JSON answers or called functions.");
  }
  return {};
}

}  // namespace

Result<ResponseRequest> ParseResponseRequest(const json::Value& root) {
  Result<std::vector<std::string>> known = CheckFields(root, {kServed, kIgnored, kSamplingFields});
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
  for (auto read :
       {RefuseState, ReadInput, ReadFormatAndTools, ReadInclude, ReadRest, ReadQuoting}) {
    if (Result<void> done = read(root, request); !done) {
      return std::unexpected(done.error());
    }
  }
  return request;
}

}  // namespace casemate::api
