#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "inference/messages.h"
#include "json/reader.h"

namespace casemate::api {

inline constexpr std::size_t kMaxMessages = 1024;

// POST /v1/chat/completions, checked.
struct ChatRequest {
  std::string model;
  inference::Generate generate;
  bool stream = false;
  bool include_usage = false;
  std::vector<std::string> ignored;
};

// Errors: kInvalidArgument, with the field's path.
[[nodiscard]] Result<ChatRequest> ParseChatRequest(const json::Value& root);

// temperature, top_p, seed, stop as both chat and responses have them. Errors: as above.
[[nodiscard]] Result<void> ReadSampling(const json::Value& root, inference::Generate& generate);

}  // namespace casemate::api
