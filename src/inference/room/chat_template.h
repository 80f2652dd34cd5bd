#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "inference/messages.h"
#include "inference/room/chat_fills.h"
#include "inference/room/llama_model.h"

namespace casemate::inference {

inline constexpr std::size_t kMaxTemplateBytes = 64 * 1024;
inline constexpr std::size_t kMaxMessages = 1024;
inline constexpr std::size_t kMaxRenderedBytes = 1 << 20;  // without the contents
inline constexpr std::size_t kMaxTemplateSteps = 100'000;  // look-ups and loop turns
inline constexpr std::size_t kMaxTemplateNesting = 64;     // brackets

// A model's chat template, which is code that came with the model: it sees roles, the plain words
// of tools' definitions, and in place of each content a marker of random letters (ChatFills), never
// a content. So it cannot read a prompt, and no content can be taken for a part of the template.
// Jinja by minja; the model without a template gets ChatML. Threads: Render may run at the same
// time.
class ChatTemplate {
 public:
  // `source` is Jinja, or empty for ChatML. Errors: kInvalidArgument: not Jinja, over
  // kMaxTemplateBytes or kMaxTemplateNesting.
  [[nodiscard]] static Result<ChatTemplate> Parse(std::string source, std::string begin_text,
                                                  std::string end_text);
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // A message as the template sees it: `content` is a marker, or empty beside tool calls.
  struct Turn {
    std::string role;
    std::string content;
    std::string tool_calls;    // of HideToolCalls, or empty
    std::string tool_call_id;  // or empty
  };
  // What the template makes of the turns, the tools (of HideTools, or empty), and the beginning of
  // the assistant's turn. Errors: kInvalidArgument: the template refuses these roles or fails;
  // kTooLarge: over a limit above.
  [[nodiscard]] Result<std::string> Render(const std::vector<Turn>& turns,
                                           const std::string& tools) const;
  // Whether the template mentions tools at all.
  bool knows_tools() const;

 private:
  struct State;
  explicit ChatTemplate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The prompt's tokens: control tokens from the template only. Tools of a template that knows none
// are described in the messages (DescribeTools). Errors: as Render, ChatFills::Cut, HideTools and
// TokenizeContent.
[[nodiscard]] Result<TokenBuffer> RenderPrompt(const ChatTemplate& chat, const LlamaModel& model,
                                               const std::vector<ChatMessage>& messages,
                                               PlaintextView tools = {});

}  // namespace casemate::inference
