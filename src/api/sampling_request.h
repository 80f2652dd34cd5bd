#pragma once

#include <initializer_list>
#include <string_view>

#include "api/fields.h"
#include "base/error.h"
#include "inference/messages.h"
#include "json/reader.h"

// The parameters of sampling, which chat, completions and responses read alike. Where the request
// says nothing, `generate` keeps what it has. Errors of all: kInvalidArgument, with the field.
namespace casemate::api {

// What ReadSampling reads. top_k and min_p are not OpenAI's; vLLM and llama-server call them so.
inline constexpr std::string_view kSamplingFields[] = {
    "temperature",      "top_p",      "top_k", "min_p", "seed", "frequency_penalty",
    "presence_penalty", "logit_bias", "stop"};

[[nodiscard]] Result<void> ReadSampling(const json::Value& root, inference::Generate& generate);
// "n", 1 to kMaxChoices.
[[nodiscard]] Result<void> ReadChoices(const json::Value& root, inference::Generate& generate);
// Each of `names` that is set; the last one wins.
[[nodiscard]] Result<void> ReadMaxTokens(const json::Value& root,
                                         std::initializer_list<std::string_view> names,
                                         inference::Generate& generate);

// "stream" and "stream_options".
struct Streaming {
  bool stream = false;
  bool include_usage = false;
};
[[nodiscard]] Result<Streaming> ReadStreaming(const json::Value& root,
                                              std::vector<std::string>& ignored);

}  // namespace casemate::api
