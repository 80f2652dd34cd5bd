#include "api/completion_request.h"

#include "api/fields.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::string_view kServed[] = {"model",  "prompt",    "stream", "stream_options",
                                        "n",      "logprobs",  "echo",   "best_of",
                                        "suffix", "max_tokens"};
constexpr std::string_view kIgnored[] = {"user"};

Result<void> ReadPrompts(const json::Value& root, CompletionRequest& request) {
  Result<json::Value> prompt = root.Require("prompt");
  if (!prompt) {
    return std::unexpected(prompt.error());
  }
  const bool list = prompt->kind() == Kind::kArray;
  if (list && (prompt->size() == 0 || prompt->size() > kMaxPrompts)) {
    return BadField(*prompt, "Invalid 'prompt': expected 1 to " + std::to_string(kMaxPrompts) +
                                 " strings, found " + std::to_string(prompt->size()) + ".");
  }
  for (const json::Value& value : list ? prompt->Elements() : std::vector<json::Value>{*prompt}) {
    if (value.kind() == Kind::kInteger || value.kind() == Kind::kArray) {
      return BadField(
          value, "Invalid '" + value.path() + "': prompts of tokens are not served; send text.");
    }
    Result<PlaintextView> text = value.AsString();
    if (!text) {
      return std::unexpected(text.error());
    }
    if (text->empty()) {
      return BadField(value, "Invalid '" + value.path() + "': the prompt is empty.");
    }
    request.prompts.push_back(Plaintext::Copy(*text));
  }
  return {};
}

Result<void> RefuseWhatChangesTheAnswer(const json::Value& root, CompletionRequest& request) {
  if (const std::optional<json::Value> suffix = root.GetSet("suffix")) {
    return BadField(*suffix, "'suffix' is not served: no model here fills in the middle.");
  }
  Result<bool> echo = ReadBool(root, "echo", false);
  if (!echo) {
    return std::unexpected(echo.error());
  }
  if (*echo) {
    return BadField(*root.Get("echo"), "'echo' is not served: put the prompt before the answer.");
  }
  Result<std::optional<std::int64_t>> best = ReadInteger(root, "best_of", 0, 20);
  if (!best) {
    return std::unexpected(best.error());
  }
  if (*best && **best > 1 && **best != std::int64_t{request.sampling.choices}) {
    return BadField(*root.Get("best_of"),
                    "'best_of' is served where it equals 'n': every answer is returned.");
  }
  return {};
}

Result<void> ReadLegacyLogprobs(const json::Value& root, CompletionRequest& request) {
  Result<std::optional<std::int64_t>> top = ReadInteger(root, "logprobs", 0, kMaxLegacyLogprobs);
  if (!top) {
    return std::unexpected(top.error());
  }
  request.sampling.logprobs = top->has_value();
  request.sampling.top_logprobs = static_cast<std::uint32_t>(top->value_or(0));
  return {};
}

}  // namespace

Result<CompletionRequest> ParseCompletionRequest(const json::Value& root) {
  Result<std::vector<std::string>> known = CheckFields(root, {kServed, kIgnored, kSamplingFields});
  if (!known) {
    return std::unexpected(known.error());
  }
  CompletionRequest request;
  request.ignored = std::move(*known);
  request.sampling.raw = true;
  request.sampling.max_tokens = kUsualCompletionTokens;
  Result<std::string> model = ReadModel(root);
  if (!model) {
    return std::unexpected(model.error());
  }
  request.model = std::move(*model);
  if (Result<void> length = ReadMaxTokens(root, {"max_tokens"}, request.sampling); !length) {
    return std::unexpected(length.error());
  }
  for (auto read : {ReadSampling, ReadChoices}) {
    if (Result<void> done = read(root, request.sampling); !done) {
      return std::unexpected(done.error());
    }
  }
  for (auto read : {ReadPrompts, RefuseWhatChangesTheAnswer, ReadLegacyLogprobs}) {
    if (Result<void> done = read(root, request); !done) {
      return std::unexpected(done.error());
    }
  }
  Result<Streaming> streaming = ReadStreaming(root, request.ignored);
  if (!streaming) {
    return std::unexpected(streaming.error());
  }
  request.streaming = *streaming;
  return request;
}

}  // namespace casemate::api
