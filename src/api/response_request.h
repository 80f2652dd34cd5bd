#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/answer_format.h"
#include "api/quotes.h"
#include "base/error.h"
#include "base/id.h"
#include "inference/messages.h"
#include "json/reader.h"

namespace casemate::api {

inline constexpr std::size_t kMaxInputItems = 1024;

// The file_search tool of a request.
struct FileSearch {
  std::vector<CollectionId> collections;       // 1 to custody::kMaxCollectionsPerTicket
  std::optional<std::size_t> max_num_results;  // 1 to kMaxSearchResults
  double score_threshold = 0;
};

// POST /v1/responses, checked.
struct ResponseRequest {
  std::string model;
  std::optional<Plaintext> instructions;
  std::vector<inference::ChatMessage> input;  // without the instructions; never empty
  inference::Generate sampling;               // its messages are filled in later
  bool temperature_given = false;
  std::optional<FileSearch> file_search;
  std::string tool_choice = "auto";    // "auto", "none", "required", "file_search", "function"
  std::vector<std::string> functions;  // that the model may call; none: no call is looked for
  std::vector<Plaintext> tools_json;   // of each function, and the named choice below, as the
  Plaintext tool_choice_json;          // response repeats them; the latter may be empty
  Plaintext format_json;               // "text.format" as the response repeats it
  bool parallel_tool_calls = true;
  QuoteRequest quotes;
  bool include_results = false;
  bool stream = false;
  std::vector<std::string> ignored;
};

// Errors: kInvalidArgument, with the field's path; also for fields that would change what the
// answer means if they were ignored (previous_response_id, conversation, prompt, filters).
[[nodiscard]] Result<ResponseRequest> ParseResponseRequest(const json::Value& root);

// "input": messages, and the calls of functions with what they gave. response_input.cc. Errors: as
// above.
[[nodiscard]] Result<void> ReadInput(const json::Value& root, ResponseRequest& request);
// "tools" and "tool_choice"; the functions go to `tools`. response_tools.cc. Errors: as above.
[[nodiscard]] Result<void> ReadResponseTools(const json::Value& root, ResponseRequest& request,
                                             ToolRequest& tools);

}  // namespace casemate::api
