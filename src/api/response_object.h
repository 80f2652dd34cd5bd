#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/response_request.h"
#include "base/clock.h"
#include "base/error.h"
#include "crypto/hash.h"
#include "inference/messages.h"
#include "json/writer.h"
#include "retrieval/library.h"

namespace casemate::api {

// What is known of one response while it is made; the JSON functions below write OpenAI's objects
// from it. `request` outlives it.
struct ResponseState {
  explicit ResponseState(const ResponseRequest& asked) : request(asked) {}

  const ResponseRequest& request;
  std::string id = crypto::RandomId<ResponseId>().ToString();
  std::string call_id = crypto::RandomId<CallId>().ToString();
  std::string message_id = crypto::RandomId<MessageId>().ToString();
  std::int64_t created = UnixSeconds();
  std::int64_t completed = 0;
  bool searched = false;
  std::vector<retrieval::SearchHit> hits;
  Plaintext text;
  std::vector<std::size_t> cited;  // places in hits
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
void WriteAnnotation(json::Writer& writer, const ResponseState& state, std::size_t cited);
// "completed" or "incomplete".
std::string_view EndStatus(const ResponseState& state);

}  // namespace casemate::api
