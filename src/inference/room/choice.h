#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "inference/messages.h"
#include "inference/room/answer_text.h"
#include "inference/room/constraint.h"
#include "inference/room/llama_model.h"
#include "inference/room/sampler.h"

namespace casemate::inference {

// One answer being written: its tokens, its sampler and rule, what may be sent of it. What the
// engine computed for it stands in a sequence of the context, which the engine gives and takes.
// Threads: one at a time.
class Choice {
 public:
  struct Options {
    std::uint32_t number = 0;      // among the answers to one prompt
    std::uint32_t max_tokens = 0;  // at least 1
    bool logprobs = false;
    std::uint32_t top_logprobs = 0;
    bool with_control = false;  // control tokens are spelled out: tool calls of some models
  };
  // `constraint` may be nullptr.
  Choice(const Options& options, TokenSampler sampler, AnswerText text,
         std::unique_ptr<Constraint> constraint)
      : options_(options),
        sampler_(std::move(sampler)),
        text_(std::move(text)),
        constraint_(std::move(constraint)) {}

  // Draws the next token from `logits` and takes it: the answer grows, or ends. Only while
  // !reason(). Errors: kInvalidArgument: the constraint leaves no token.
  [[nodiscard]] Result<void> Take(const LlamaModel& model, std::span<const float> logits,
                                  SamplerScratch& scratch);
  // Ends it where it stands.
  void End(FinishReason reason);

  // kNone: it goes on.
  FinishReason reason() const { return reason_; }
  std::uint32_t number() const { return options_.number; }
  std::uint32_t remaining_tokens() const {
    return options_.max_tokens - static_cast<std::uint32_t>(answer_.size());
  }
  // The answer's tokens so far, without the one that ended it.
  std::span<const std::int32_t> tokens() const { return answer_.RevealTokens(); }
  std::uint32_t token_count() const { return static_cast<std::uint32_t>(answer_.size()); }
  // What is to be sent since the last call; the one with a reason is the last.
  std::vector<GenerateText> TakePieces();

  // The engine's: where its state stands in the context.
  std::int32_t sequence = -1;  // -1: none
  std::size_t computed = 0;    // tokens of prompt and answer in the sequence

 private:
  void NoteLogprobs(const LlamaModel& model, std::span<const float> logits, std::int32_t token,
                    SamplerScratch& scratch);
  void Emit(Plaintext text);

  Options options_;
  TokenSampler sampler_;
  AnswerText text_;
  std::unique_ptr<Constraint> constraint_;
  TokenBuffer answer_;
  FinishReason reason_ = FinishReason::kNone;
  std::uint32_t unsent_tokens_ = 0;
  std::vector<TokenLogprob> unsent_logprobs_;
  std::vector<GenerateText> pieces_;
};

}  // namespace casemate::inference
