#include "inference/room/quote_tokens.h"

#include <array>
#include <limits>
#include <string>

namespace casemate::inference {
namespace {

using Place = QuoteConstraint::Place;

std::string_view WithoutSpace(std::string_view bytes) {
  const std::size_t first = bytes.find_first_not_of(" \n");
  return first == std::string_view::npos ? std::string_view() : bytes.substr(first);
}

}  // namespace

bool QuoteTokens::Go(const Text& text, QuoteConstraint::State& next) const {
  next = state_;
  return quotes_->Advance(next, text.before, closing_) &&
         quotes_->Advance(next, text.bytes, closing_);
}

bool QuoteTokens::MayClose() const {
  return state_.place == Place::kQuote && quotes_->MayClose(state_, closing_);
}

// The marks that the model is not asked for.
std::optional<QuoteTokens::Text> QuoteTokens::FindMarked(std::string_view bytes,
                                                         QuoteConstraint::State& next) const {
  const std::string_view word = WithoutSpace(bytes);
  Text text{.before = {}, .bytes = word};
  switch (state_.place) {
    case Place::kFree:
    case Place::kCitedSpace:
      text.before = "\"";
      break;
    case Place::kCited:
      text.before = " \"";
      break;
    case Place::kQuote:
      if (!word.starts_with('[')) {
        return std::nullopt;
      }
      text.before = "\" ";
      break;
    default:
      return std::nullopt;
  }
  return !word.empty() && Go(text, next) ? std::optional(text) : std::nullopt;
}

std::optional<QuoteTokens::Text> QuoteTokens::Find(std::int32_t token,
                                                   QuoteConstraint::State& next) const {
  if (model_->is_end(token)) {
    next = state_;
    const bool may_end = quotes_->MayEnd(state_) || (quotes_->quotes_only() && MayClose());
    return may_end ? std::optional<Text>(Text{}) : std::nullopt;
  }
  const Text own{.before = {}, .bytes = model_->TokenBytes(token)};
  if (own.bytes.empty()) {
    return std::nullopt;
  }
  if (Go(own, next)) {
    return own;
  }
  return quotes_->quotes_only() ? FindMarked(own.bytes, next) : std::nullopt;
}

bool QuoteTokens::Allows(std::int32_t token) {
  QuoteConstraint::State next;
  return Find(token, next).has_value();
}

bool QuoteTokens::WantsToClose(std::int32_t refused) const {
  return MayClose() &&
         (model_->is_end(refused) || WithoutSpace(model_->TokenBytes(refused)).starts_with('['));
}

void QuoteTokens::Mask(std::int32_t refused, std::span<float> logits) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const bool close = WantsToClose(refused);
  // Most tokens fail at their first byte.
  std::array<bool, 256> may_begin{};
  for (std::size_t byte = 0; byte < may_begin.size(); ++byte) {
    const char c = static_cast<char>(byte);
    const std::string_view one(&c, 1);
    QuoteConstraint::State next;
    may_begin[byte] = (!close || c == '"') && Go({.before = {}, .bytes = one}, next);
    if (quotes_->quotes_only() && !may_begin[byte]) {
      may_begin[byte] = c == ' ' || c == '\n' || FindMarked(one, next).has_value();
    }
  }
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const auto token = static_cast<std::int32_t>(i);
    const std::string_view bytes = model_->TokenBytes(token);
    const bool begins = model_->is_end(token) ||
                        (!bytes.empty() && may_begin[static_cast<unsigned char>(bytes.front())]);
    if (!begins || !Allows(token)) {
      logits[i] = kNever;
    }
  }
}

Result<void> QuoteTokens::Accept(std::int32_t token) {
  QuoteConstraint::State next;
  const std::optional<Text> found = Find(token, next);
  if (!found) {
    return Fail(ErrorCode::kInvalidArgument, "a quotation cannot be gone on with");
  }
  if (quotes_->quotes_only()) {
    text_ = Plaintext::Copy(found->before);
    text_->Append(PlaintextView::Of(found->bytes));
    if (model_->is_end(token) && !quotes_->MayEnd(state_)) {
      text_->AppendLiteral("\" [" + std::to_string(quotes_->FirstPassage(state_)) + "]");
    }
  }
  state_ = next;
  return {};
}

}  // namespace casemate::inference
