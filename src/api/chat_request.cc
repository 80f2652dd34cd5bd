#include "api/chat_request.h"

#include <algorithm>

#include "api/answer_format.h"
#include "api/fields.h"
#include "api/tool_request.h"

namespace casemate::api {
namespace {

constexpr std::string_view kServed[] = {"model",
                                        "messages",
                                        "stream",
                                        "stream_options",
                                        "n",
                                        "max_tokens",
                                        "max_completion_tokens",
                                        "logprobs",
                                        "top_logprobs",
                                        "response_format",
                                        "tools",
                                        "tool_choice",
                                        "parallel_tool_calls",
                                        "casemate"};
constexpr std::string_view kIgnored[] = {"audio",
                                         "function_call",
                                         "functions",
                                         "metadata",
                                         "modalities",
                                         "moderation",
                                         "prediction",
                                         "prompt_cache_key",
                                         "prompt_cache_options",
                                         "prompt_cache_retention",
                                         "reasoning_effort",
                                         "safety_identifier",
                                         "service_tier",
                                         "store",
                                         "user",
                                         "verbosity",
                                         "web_search_options"};

Result<void> ReadLogprobs(const json::Value& root, inference::Generate& generate) {
  Result<bool> logprobs = ReadBool(root, "logprobs", false);
  if (!logprobs) {
    return std::unexpected(logprobs.error());
  }
  Result<std::optional<std::int64_t>> top =
      ReadInteger(root, "top_logprobs", 0, inference::kMaxTopLogprobs);
  if (!top) {
    return std::unexpected(top.error());
  }
  if (*top && !*logprobs) {
    return BadField(*root.Get("top_logprobs"),
                    "'top_logprobs' is allowed only with 'logprobs': true.");
  }
  generate.logprobs = *logprobs;
  generate.top_logprobs = static_cast<std::uint32_t>(top->value_or(0));
  return {};
}

Result<void> ReadFormatAndTools(const json::Value& root, ChatRequest& request) {
  AnswerFormat format;
  if (const std::optional<json::Value> value = root.GetSet("response_format")) {
    Result<AnswerFormat> read = ReadFormat(*value, true);
    if (!read) {
      return std::unexpected(read.error());
    }
    format = std::move(*read);
  }
  ToolRequest tools;
  for (auto read : {ReadChatTools, ReadChatToolChoice}) {
    if (Result<void> done = read(root, tools); !done) {
      return done;
    }
  }
  Result<Plaintext> grammar = AnswerGrammar(format, tools, request.ignored);
  if (!grammar) {
    return std::unexpected(grammar.error());
  }
  request.generate.grammar = std::move(*grammar);
  request.generate.tools = tools.Json();
  if (tools.offered()) {
    request.functions = tools.names();
  }
  return {};
}

}  // namespace

Result<ChatRequest> ParseChatRequest(const json::Value& root) {
  Result<std::vector<std::string>> known = CheckFields(root, {kServed, kIgnored, kSamplingFields});
  if (!known) {
    return std::unexpected(known.error());
  }
  ChatRequest request;
  request.ignored = std::move(*known);
  Result<std::string> model = ReadModel(root);
  if (!model) {
    return std::unexpected(model.error());
  }
  request.model = std::move(*model);
  Result<std::vector<inference::ChatMessage>> messages = ReadMessages(root, request.ignored);
  if (!messages) {
    return std::unexpected(messages.error());
  }
  request.generate.messages = std::move(*messages);
  Result<Streaming> streaming = ReadStreaming(root, request.ignored);
  if (!streaming) {
    return std::unexpected(streaming.error());
  }
  request.streaming = *streaming;
  // The newer name wins where both are given, as with OpenAI.
  Result<void> length =
      ReadMaxTokens(root, {"max_tokens", "max_completion_tokens"}, request.generate);
  if (!length) {
    return std::unexpected(length.error());
  }
  for (auto read : {ReadSampling, ReadChoices, ReadLogprobs}) {
    if (Result<void> done = read(root, request.generate); !done) {
      return std::unexpected(done.error());
    }
  }
  if (Result<void> read = ReadFormatAndTools(root, request); !read) {
    return std::unexpected(read.error());
  }
  Result<QuoteRequest> quotes = ReadQuotes(root, true);
  if (!quotes) {
    return std::unexpected(quotes.error());
  }
  request.quotes = std::move(*quotes);
  if (request.quotes.quotes != Quotes::kFree && !request.generate.grammar.empty()) {
    return BadField(*root.Get("casemate"),
                    "'casemate.quotes' is not served beside JSON answers or called functions.");
  }
  // messages[3].name and messages[7].name are one fact to the caller.
  std::sort(request.ignored.begin(), request.ignored.end());
  return request;
}

}  // namespace casemate::api
