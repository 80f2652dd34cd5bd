#include "inference/room/constraint_source.h"

#include "inference/room/grammar_constraint.h"
#include "inference/room/quote_tokens.h"

namespace casemate::inference {

Result<ConstraintSource> ConstraintSource::Make(const Generate& request, const LlamaModel& model) {
  if (!request.grammar.empty() && !request.passages.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "a grammar and passages cannot be combined");
  }
  if (request.quotes_only && request.passages.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "quotations without passages to quote from");
  }
  ConstraintSource made(request, model);
  if (!request.passages.empty()) {
    Result<QuoteConstraint> quotes = QuoteConstraint::Create(request.passages, request.quotes_only);
    if (!quotes) {
      return std::unexpected(quotes.error());
    }
    made.quotes_ = std::make_shared<const QuoteConstraint>(std::move(*quotes));
  }
  return made;
}

Result<std::unique_ptr<Constraint>> ConstraintSource::One() const {
  if (!request_->grammar.empty()) {
    return MakeGrammarConstraint(*model_, request_->grammar);
  }
  if (quotes_) {
    return std::make_unique<QuoteTokens>(*model_, quotes_);
  }
  return std::unique_ptr<Constraint>();
}

}  // namespace casemate::inference
