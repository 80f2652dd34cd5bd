#include "inference/room/choice.h"

#include <utility>

namespace casemate::inference {

Result<void> Choice::Take(const LlamaModel& model, std::span<const float> logits,
                          SamplerScratch& scratch) {
  if (constraint_) {
    constraint_->SetRemaining(remaining_tokens());
  }
  Result<std::int32_t> token = sampler_.Pick(logits, constraint_.get(), scratch);
  if (!token) {
    return std::unexpected(token.error());
  }
  std::optional<Plaintext> written = constraint_ ? constraint_->TakeText() : std::nullopt;
  if (model.is_end(*token)) {
    if (Plaintext text = written ? text_.Append(*written) : Plaintext(); !text.empty()) {
      Emit(std::move(text));
    }
    End(FinishReason::kStop);
    return {};
  }
  answer_.Append(*token);
  ++unsent_tokens_;
  if (options_.logprobs) {
    NoteLogprobs(model, logits, *token, scratch);
  }
  Plaintext text =
      text_.Append(written ? std::move(*written) : model.Piece(*token, options_.with_control));
  if (!text.empty()) {
    Emit(std::move(text));
  }
  if (text_.stopped()) {
    End(FinishReason::kStop);
  } else if (answer_.size() >= options_.max_tokens) {
    End(FinishReason::kLength);
  }
  return {};
}

void Choice::NoteLogprobs(const LlamaModel& model, std::span<const float> logits,
                          std::int32_t token, SamplerScratch& scratch) {
  const ModelLogprobs found = LogprobsOf(logits, token, options_.top_logprobs, scratch);
  TokenLogprob entry{.text = model.Piece(token, true), .logprob = found.chosen, .top = {}};
  entry.top.reserve(found.top.size());
  for (const auto& [other, logprob] : found.top) {
    entry.top.push_back({.text = model.Piece(other, true), .logprob = logprob});
  }
  unsent_logprobs_.push_back(std::move(entry));
}

void Choice::End(FinishReason reason) {
  if (reason_ != FinishReason::kNone) {
    return;
  }
  reason_ = reason;
  Plaintext text = text_.Finish();
  if (pieces_.empty()) {
    Emit(std::move(text));
    return;
  }
  GenerateText& last = pieces_.back();  // not sent yet: one piece instead of two
  last.text.Append(text);
  last.tokens += std::exchange(unsent_tokens_, 0);
  for (TokenLogprob& entry : unsent_logprobs_) {
    last.logprobs.push_back(std::move(entry));
  }
  unsent_logprobs_.clear();
  last.reason = reason;
}

void Choice::Emit(Plaintext text) {
  pieces_.push_back({.text = std::move(text),
                     .tokens = unsent_tokens_,
                     .choice = options_.number,
                     .logprobs = std::move(unsent_logprobs_),
                     .reason = reason_});
  unsent_tokens_ = 0;
  unsent_logprobs_.clear();
}

std::vector<GenerateText> Choice::TakePieces() { return std::exchange(pieces_, {}); }

}  // namespace casemate::inference
