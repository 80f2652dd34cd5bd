#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "inference/room/constraint.h"
#include "inference/room/llama_model.h"
#include "inference/room/quote_constraint.h"

namespace casemate::inference {

// Verbatim quoting (QuoteConstraint) over a model's tokens, for one answer.
//
// A model that was not told how a quotation ends shows where it would end one: where it wants to
// end the answer or to open a bracket, and the span may be closed there, it is. With quotes_only
// the model is not asked for quotation marks at all: it writes `text [1]` as it is used to, and the
// marks are put into the answer where the text begins and where the bracket comes; an end without a
// bracket gets the first passage that holds the span. Threads: one at a time.
class QuoteTokens : public Constraint {
 public:
  // `model` must outlive it.
  QuoteTokens(const LlamaModel& model, std::shared_ptr<const QuoteConstraint> quotes)
      : model_(&model), quotes_(std::move(quotes)) {}

  void SetRemaining(std::uint32_t tokens) override { closing_ = tokens <= kTokensToClose; }
  bool Allows(std::int32_t token) override;
  void Mask(std::int32_t refused, std::span<float> logits) override;
  Result<void> Accept(std::int32_t token) override;
  std::optional<Plaintext> TakeText() override { return std::exchange(text_, std::nullopt); }

 private:
  // A character's last three bytes, `"`, ` `, `[`, two digits, `]`, one token each, and some.
  static constexpr std::uint32_t kTokensToClose = 12;

  // What the answer would get for a token: some of ours, then the end of its bytes.
  struct Text {
    std::string_view before;
    std::string_view bytes;
  };
  // Goes on with it from `state_`; false: it may not come.
  bool Go(const Text& text, QuoteConstraint::State& next) const;
  // The first way to take `token` that may come. With an end `number` may name a passage.
  std::optional<Text> Find(std::int32_t token, QuoteConstraint::State& next) const;
  std::optional<Text> FindMarked(std::string_view bytes, QuoteConstraint::State& next) const;
  bool MayClose() const;
  bool WantsToClose(std::int32_t refused) const;

  const LlamaModel* model_;
  std::shared_ptr<const QuoteConstraint> quotes_;  // shared by the answers to one prompt
  QuoteConstraint::State state_;
  bool closing_ = false;
  std::optional<Plaintext> text_;  // of the token that came last, with quotes_only
};

}  // namespace casemate::inference
