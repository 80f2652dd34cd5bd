#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "inference/messages.h"
#include "inference/room/llama_model.h"

namespace casemate::inference {

inline constexpr std::size_t kMaxTemplateBytes = 64 * 1024;
inline constexpr std::size_t kMaxMessages = 1024;
inline constexpr std::size_t kMaxRenderedBytes = 1 << 20;  // without the contents
inline constexpr std::size_t kMaxTemplateSteps = 100'000;  // look-ups and loop turns
inline constexpr std::size_t kMaxTemplateNesting = 64;     // brackets

// A model's chat template, which is code that came with the model: it sees roles, and in place of
// each content a marker of random letters, never a content. So it cannot read a prompt, and no
// content can be taken for a part of the template. Jinja by minja; the model without a template
// gets ChatML. Threads: Render may run at the same time.
class ChatTemplate {
 public:
  // `source` is Jinja, or empty for ChatML. Errors: kInvalidArgument: not Jinja, over
  // kMaxTemplateBytes or kMaxTemplateNesting.
  [[nodiscard]] static Result<ChatTemplate> Parse(std::string source, std::string begin_text,
                                                  std::string end_text);
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // One piece of a prompt: text of the template, then the content of message number `content`
  // (kNone: nothing follows).
  struct Piece {
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    std::string text;
    std::size_t content = kNone;
  };
  // Pieces in order for messages of these roles, and the beginning of the assistant's turn. Errors:
  // kInvalidArgument: the template refuses these roles or fails, or leaves out a message;
  // kTooLarge: over a limit above.
  [[nodiscard]] Result<std::vector<Piece>> Render(const std::vector<std::string>& roles) const;

 private:
  struct State;
  explicit ChatTemplate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The prompt's tokens: control tokens from the template only. Errors: as Render and
// TokenizeContent.
[[nodiscard]] Result<TokenBuffer> RenderPrompt(const ChatTemplate& chat, const LlamaModel& model,
                                               const std::vector<ChatMessage>& messages);

}  // namespace casemate::inference
