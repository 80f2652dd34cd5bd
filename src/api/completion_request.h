#pragma once

#include <string>
#include <vector>

#include "api/sampling_request.h"
#include "base/error.h"
#include "inference/messages.h"
#include "json/reader.h"

namespace casemate::api {

inline constexpr std::size_t kMaxPrompts = 64;
inline constexpr std::uint32_t kUsualCompletionTokens = 16;  // OpenAI's
inline constexpr std::uint32_t kMaxLegacyLogprobs = 5;       // OpenAI's

// POST /v1/completions, checked: prompts that go to the model as they are, without a template.
struct CompletionRequest {
  std::string model;
  std::vector<Plaintext> prompts;
  inference::Generate sampling;  // its one message is filled in for each prompt
  Streaming streaming;
  std::vector<std::string> ignored;
};

// Errors: kInvalidArgument, with the field's path; also for fields that would change what the
// answer means if they were ignored (suffix, echo, best_of over n, prompts of tokens).
[[nodiscard]] Result<CompletionRequest> ParseCompletionRequest(const json::Value& root);

}  // namespace casemate::api
