#pragma once

#include <string>
#include <vector>

#include "api/quotes.h"
#include "api/sampling_request.h"
#include "base/error.h"
#include "inference/messages.h"
#include "json/reader.h"

namespace casemate::api {

inline constexpr std::size_t kMaxMessages = 1024;

// POST /v1/chat/completions, checked.
struct ChatRequest {
  std::string model;
  inference::Generate generate;
  std::vector<std::string> functions;  // that the model may call; none: no call is looked for
  QuoteRequest quotes;
  Streaming streaming;
  std::vector<std::string> ignored;
};

// Errors: kInvalidArgument, with the field's path.
[[nodiscard]] Result<ChatRequest> ParseChatRequest(const json::Value& root);

// "messages" of chat: system, developer, user, assistant (with tool_calls) and tool messages.
// chat_messages.cc. Errors: as above.
[[nodiscard]] Result<std::vector<inference::ChatMessage>> ReadMessages(
    const json::Value& root, std::vector<std::string>& ignored);

}  // namespace casemate::api
