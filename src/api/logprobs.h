#pragma once

#include <vector>

#include "inference/messages.h"
#include "json/writer.h"

// OpenAI's forms of tokens' log probabilities.
namespace casemate::api {

using Logprobs = std::vector<inference::TokenLogprob>;

// {"content": [{"token", "logprob", "bytes", "top_logprobs": [...]}], "refusal": null} of chat.
// A token that is not whole characters has U+FFFD in "token" and its bytes in "bytes".
void WriteChatLogprobs(json::Writer& writer, const Logprobs& logprobs);
// The array of responses; `bytes`: as the finished part has it, not the events.
void WriteResponseLogprobs(json::Writer& writer, const Logprobs& logprobs, bool bytes);
// {"tokens", "token_logprobs", "top_logprobs", "text_offset"} of completions. `offset`: characters
// of the choice before the first token, grows by theirs.
void WriteLegacyLogprobs(json::Writer& writer, const Logprobs& logprobs, std::size_t& offset);

}  // namespace casemate::api
