#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "inference/messages.h"
#include "inference/room/chat_fills.h"

namespace casemate::inference {

inline constexpr std::size_t kMaxToolsBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxToolsNesting = 64;

// Tool definitions (JSON array in OpenAI's form) as a template may see them: names, types and
// other texts of letters, digits and `_-., ` stay, other texts become fills, so that none of them
// can be a control token. Errors: kInvalidArgument, param "tools": not a JSON array, over a limit,
// or a member's name with other characters.
[[nodiscard]] Result<std::string> HideTools(PlaintextView tools, ChatFills& fills);

// The tool calls of an assistant's message likewise: each name and id stays, the arguments become
// a fill. Errors: as above, param "messages".
[[nodiscard]] Result<std::string> HideToolCalls(PlaintextView calls, std::size_t message,
                                                ChatFills& fills);

// For a template that knows no tools: the messages with everything about tools written out in the
// form of Nous Research's Hermes models, which ChatML models mostly know: definitions in the system
// message between <tools> marks, calls between <tool_call> marks, results in a user's message
// between <tool_response> marks. Errors: as above.
[[nodiscard]] Result<std::vector<ChatMessage>> DescribeTools(
    const std::vector<ChatMessage>& messages, PlaintextView tools);

}  // namespace casemate::inference
