#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/logprobs.h"
#include "api/quotes.h"
#include "api/tool_calls.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "inference/messages.h"
#include "json/writer.h"

namespace casemate::api {

// What every chunk and the whole answer of a completion repeat.
struct Completion {
  std::string id;
  std::string model;
  std::int64_t created = UnixSeconds();
};

// One choice of a chat completion, as far as it has come.
struct ChatChoice {
  Plaintext text;
  std::vector<ToolCall> calls;
  Logprobs logprobs;
  std::vector<Quotation> quotations;
  inference::FinishReason reason = inference::FinishReason::kNone;
};

// "length", "tool_calls" or "stop".
std::string_view FinishName(inference::FinishReason reason, bool calls);

void WriteHead(json::Writer& writer, const Completion& completion, std::string_view object);
// "usage", with OpenAI's details.
void WriteUsage(json::Writer& writer, std::uint64_t prompt_tokens, std::uint64_t completion_tokens);
// {"id", "type": "function", "function": {...}}, with "index" where that is not negative.
void WriteToolCall(json::Writer& writer, const ToolCall& call, std::int64_t index);
void WriteQuotations(json::Writer& writer, const std::vector<Quotation>& quotations);

// The whole chat.completion.
Plaintext ChatCompletionJson(const Completion& completion, const std::vector<ChatChoice>& choices,
                             bool logprobs, const inference::GenerateDone& done);

}  // namespace casemate::api
