#pragma once

#include <optional>
#include <string>
#include <vector>

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
  std::string tool_choice = "auto";  // "auto", "none", "required", "file_search"
  bool include_results = false;
  bool stream = false;
  std::vector<std::string> ignored;
};

// Errors: kInvalidArgument, with the field's path; also for fields that would change what the
// answer means if they were ignored (previous_response_id, conversation, prompt, filters).
[[nodiscard]] Result<ResponseRequest> ParseResponseRequest(const json::Value& root);

}  // namespace casemate::api
