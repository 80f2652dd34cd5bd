#include "api/chat_request.h"

#include <algorithm>
#include <limits>

#include "api/fields.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::size_t kMaxStops = 4;
constexpr std::size_t kMaxStopBytes = 256;
constexpr std::int64_t kMaxTokensAsked = 1 << 24;

constexpr std::string_view kServed[] = {
    "model", "messages", "stream",     "stream_options",       "stop", "temperature", "top_p",
    "seed",  "n",        "max_tokens", "max_completion_tokens"};
constexpr std::string_view kIgnored[] = {"audio",
                                         "frequency_penalty",
                                         "function_call",
                                         "functions",
                                         "logit_bias",
                                         "logprobs",
                                         "metadata",
                                         "modalities",
                                         "moderation",
                                         "parallel_tool_calls",
                                         "prediction",
                                         "presence_penalty",
                                         "prompt_cache_key",
                                         "prompt_cache_options",
                                         "prompt_cache_retention",
                                         "reasoning_effort",
                                         "response_format",
                                         "safety_identifier",
                                         "service_tier",
                                         "store",
                                         "tool_choice",
                                         "tools",
                                         "top_logprobs",
                                         "user",
                                         "verbosity",
                                         "web_search_options"};
constexpr std::string_view kMessageServed[] = {"role", "content"};
constexpr std::string_view kMessageIgnored[] = {"name",        "refusal",    "audio",
                                                "annotations", "tool_calls", "function_call"};
constexpr std::string_view kStreamServed[] = {"include_usage"};
constexpr std::string_view kStreamIgnored[] = {"include_obfuscation"};
constexpr std::string_view kTextTypes[] = {"text"};

void AddAll(std::vector<std::string>& to, std::vector<std::string> more) {
  to.insert(to.end(), more.begin(), more.end());
}

Result<inference::ChatMessage> ReadMessage(const json::Value& value,
                                           std::vector<std::string>& ignored) {
  Result<std::vector<std::string>> known = CheckFields(value, {kMessageServed, kMessageIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  AddAll(ignored, std::move(*known));
  Result<json::Value> role_value = value.Require("role");
  if (!role_value) {
    return std::unexpected(role_value.error());
  }
  Result<std::string> role = role_value->AsName(32);
  if (!role) {
    return std::unexpected(role.error());
  }
  inference::ChatMessage message;
  if (*role == "system" || *role == "developer") {
    message.role = "system";
  } else if (*role == "user" || *role == "assistant") {
    message.role = *role;
  } else {
    return BadField(*role_value, "Invalid '" + role_value->path() + "': expected 'system', " +
                                     "'developer', 'user' or 'assistant', found '" + *role + "'.");
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

Result<void> ReadMessages(const json::Value& root, ChatRequest& request) {
  Result<json::Value> messages = root.Require("messages");
  if (!messages) {
    return std::unexpected(messages.error());
  }
  if (messages->kind() != Kind::kArray || messages->size() == 0 ||
      messages->size() > kMaxMessages) {
    return BadField(*messages, "Invalid 'messages': expected an array of 1 to " +
                                   std::to_string(kMaxMessages) + " messages.");
  }
  for (const json::Value& value : messages->Elements()) {
    Result<inference::ChatMessage> message = ReadMessage(value, request.ignored);
    if (!message) {
      return std::unexpected(message.error());
    }
    request.generate.messages.push_back(std::move(*message));
  }
  return {};
}

Result<Plaintext> ReadStop(const json::Value& value) {
  Result<PlaintextView> text = value.AsString();
  if (!text) {
    return std::unexpected(text.error());
  }
  if (text->empty() || text->size() > kMaxStopBytes) {
    return BadField(value, "Invalid '" + value.path() + "': expected 1 to " +
                               std::to_string(kMaxStopBytes) + " bytes, found " +
                               std::to_string(text->size()) + ".");
  }
  return Plaintext::Copy(*text);
}

Result<void> ReadStops(const json::Value& root, inference::Generate& generate) {
  const std::optional<json::Value> value = root.GetSet("stop");
  if (!value) {
    return {};
  }
  if (value->kind() == Kind::kArray && value->size() > kMaxStops) {
    return BadField(*value, "Invalid 'stop': expected at most 4 strings, found " +
                                std::to_string(value->size()) + ".");
  }
  const std::vector<json::Value> stops =
      value->kind() == Kind::kArray ? value->Elements() : std::vector<json::Value>{*value};
  for (const json::Value& stop : stops) {
    Result<Plaintext> text = ReadStop(stop);
    if (!text) {
      return std::unexpected(text.error());
    }
    generate.stop.push_back(std::move(*text));
  }
  return {};
}

Result<void> ReadLength(const json::Value& root, ChatRequest& request) {
  // The newer name wins where both are given, as with OpenAI.
  for (std::string_view key : {"max_tokens", "max_completion_tokens"}) {
    Result<std::optional<std::int64_t>> most = ReadInteger(root, key, 1, kMaxTokensAsked);
    if (!most) {
      return std::unexpected(most.error());
    }
    if (*most) {
      request.generate.max_tokens = static_cast<std::uint32_t>(**most);
    }
  }
  Result<std::optional<std::int64_t>> choices =
      ReadInteger(root, "n", 1, std::numeric_limits<std::int64_t>::max());
  if (!choices) {
    return std::unexpected(choices.error());
  }
  if (*choices && **choices != 1) {
    return BadField(*root.Get("n"), "Invalid 'n': this server makes 1 choice per request, found " +
                                        std::to_string(**choices) + ".");
  }
  return {};
}

Result<void> ReadStreaming(const json::Value& root, ChatRequest& request) {
  Result<bool> stream = ReadBool(root, "stream", false);
  if (!stream) {
    return std::unexpected(stream.error());
  }
  request.stream = *stream;
  const std::optional<json::Value> options = root.GetSet("stream_options");
  if (!options) {
    return {};
  }
  Result<std::vector<std::string>> known = CheckFields(*options, {kStreamServed, kStreamIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  AddAll(request.ignored, std::move(*known));
  if (!request.stream) {
    return BadField(*options, "'stream_options' is allowed only with 'stream': true.");
  }
  Result<bool> usage = ReadBool(*options, "include_usage", false);
  if (!usage) {
    return std::unexpected(usage.error());
  }
  request.include_usage = *usage;
  return {};
}

}  // namespace

Result<void> ReadSampling(const json::Value& root, inference::Generate& generate) {
  Result<std::optional<double>> temperature = ReadNumber(root, "temperature", 0, 2);
  if (!temperature) {
    return std::unexpected(temperature.error());
  }
  Result<std::optional<double>> top_p = ReadNumber(root, "top_p", 0, 1);
  if (!top_p) {
    return std::unexpected(top_p.error());
  }
  if (*temperature) {
    generate.temperature = static_cast<float>(**temperature);
  }
  if (*top_p && **top_p > 0) {
    generate.top_p = static_cast<float>(**top_p);
  } else if (*top_p) {
    generate.temperature = 0;  // the smallest nucleus is the likeliest token
  }
  Result<std::optional<std::int64_t>> seed =
      ReadInteger(root, "seed", std::numeric_limits<std::int64_t>::min(),
                  std::numeric_limits<std::int64_t>::max());
  if (!seed) {
    return std::unexpected(seed.error());
  }
  if (*seed) {
    generate.has_seed = true;
    generate.seed = static_cast<std::uint64_t>(**seed);
  }
  return {};
}

Result<ChatRequest> ParseChatRequest(const json::Value& root) {
  Result<std::vector<std::string>> known = CheckFields(root, {kServed, kIgnored});
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
  for (auto read : {ReadMessages, ReadLength, ReadStreaming}) {
    if (Result<void> done = read(root, request); !done) {
      return std::unexpected(done.error());
    }
  }
  for (auto read : {ReadSampling, ReadStops}) {
    if (Result<void> done = read(root, request.generate); !done) {
      return std::unexpected(done.error());
    }
  }
  // messages[3].name and messages[7].name are one fact to the caller.
  std::sort(request.ignored.begin(), request.ignored.end());
  return request;
}

}  // namespace casemate::api
