#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/logprobs.h"
#include "api/quotes.h"
#include "api/response_request.h"
#include "api/tool_calls.h"
#include "base/clock.h"
#include "base/error.h"
#include "crypto/hash.h"
#include "inference/messages.h"
#include "json/writer.h"
#include "retrieval/library.h"

namespace casemate::api {

struct FunctionCallTag {
  static constexpr std::string_view kPrefix = "fc_";
};

// Where a part of the answer comes from.
struct ResponseCitation {
  std::size_t hit = 0;                 // place in hits
  std::optional<Quotation> quotation;  // where it is one, word for word
};

// What is known of one response while it is made; the JSON functions below write OpenAI's objects
// from it. `request` outlives it.
struct ResponseState {
  explicit ResponseState(const ResponseRequest& asked) : request(asked) {}

  const ResponseRequest& request;
  std::string label;  // of the answer
  std::string id = crypto::RandomId<ResponseId>().ToString();
  std::string call_id = crypto::RandomId<CallId>().ToString();
  std::string message_id = crypto::RandomId<MessageId>().ToString();
  std::int64_t created = UnixSeconds();
  std::int64_t completed = 0;
  bool searched = false;
  std::vector<retrieval::SearchHit> hits;
  std::vector<std::size_t> passages;  // passage [n] is hits[passages[n - 1]]
  Plaintext text;
  Logprobs logprobs;
  std::vector<ResponseCitation> citations;
  std::vector<ToolCall> calls;
  std::vector<std::string> call_item_ids;  // of each call
  // The output after the search's item, in order: places in calls, or kMessage.
  static constexpr std::size_t kMessage = ~std::size_t{0};
  std::vector<std::size_t> items;
  std::optional<inference::GenerateDone> done;
  std::optional<Error> failure;
};

// The response; its `output` only once it has ended.
void WriteResponse(json::Writer& writer, const ResponseState& state, std::string_view status);
// The output item of the search. Results only when asked for with `include`.
void WriteSearchCall(json::Writer& writer, const ResponseState& state, std::string_view status);
// The output item of the answer; its content only once it is completed or incomplete.
void WriteMessage(json::Writer& writer, const ResponseState& state, std::string_view status);
// The content part, with text and annotations when `whole`.
void WritePart(json::Writer& writer, const ResponseState& state, bool whole);
void WriteAnnotation(json::Writer& writer, const ResponseState& state,
                     const ResponseCitation& citation);
// The output item of a call; its arguments only when `whole`.
void WriteFunctionCall(json::Writer& writer, const ResponseState& state, std::size_t call,
                       bool whole);
// What is searched for: the last words of the user.
PlaintextView QuestionOf(const ResponseRequest& request);
// "completed" or "incomplete".
std::string_view EndStatus(const ResponseState& state);

}  // namespace casemate::api
