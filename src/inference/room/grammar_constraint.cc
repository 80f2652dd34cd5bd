#include "inference/room/grammar_constraint.h"

#include <cmath>
#include <exception>
#include <limits>
#include <vector>

#include "inference/room/grammar_check.h"
#include "llama.h"

namespace casemate::inference {
namespace {

struct FreeSampler {
  void operator()(llama_sampler* sampler) const { ::llama_sampler_free(sampler); }
};

class GrammarConstraint : public Constraint {
 public:
  explicit GrammarConstraint(llama_sampler* sampler) : sampler_(sampler) {}
  ~GrammarConstraint() override { Wipe(std::as_writable_bytes(std::span(candidates_))); }
  GrammarConstraint(const GrammarConstraint&) = delete;
  GrammarConstraint& operator=(const GrammarConstraint&) = delete;

  bool Allows(std::int32_t token) override {
    llama_token_data one{.id = token, .logit = 1.0F, .p = 0.0F};
    Apply({&one, 1});
    return one.logit > kNever;
  }

  void Mask(std::int32_t refused, std::span<float> logits) override {
    (void)refused;
    candidates_.resize(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
      candidates_[i] = {.id = static_cast<llama_token>(i), .logit = 1.0F, .p = 0.0F};
    }
    Apply(candidates_);
    for (const llama_token_data& candidate : candidates_) {
      if (candidate.logit == kNever) {
        logits[static_cast<std::size_t>(candidate.id)] = kNever;
      }
    }
  }

  Result<void> Accept(std::int32_t token) override {
    try {
      ::llama_sampler_accept(sampler_.get(), token);
    } catch (const std::exception&) {
      return Fail(ErrorCode::kInvalidArgument, "the grammar cannot be followed any further");
    }
    return {};
  }

 private:
  static constexpr float kNever = -std::numeric_limits<float>::infinity();

  // Where the library fails nothing is allowed.
  void Apply(std::span<llama_token_data> candidates) {
    llama_token_data_array array{
        .data = candidates.data(), .size = candidates.size(), .selected = -1, .sorted = false};
    try {
      ::llama_sampler_apply(sampler_.get(), &array);
    } catch (const std::exception&) {
      for (llama_token_data& candidate : candidates) {
        candidate.logit = kNever;
      }
    }
  }

  std::unique_ptr<llama_sampler, FreeSampler> sampler_;
  std::vector<llama_token_data> candidates_;
};

}  // namespace

Result<std::unique_ptr<Constraint>> MakeGrammarConstraint(const LlamaModel& model,
                                                          PlaintextView grammar) {
  if (Result<void> good = CheckGrammar(grammar); !good) {
    return std::unexpected(good.error());
  }
  Plaintext text = Plaintext::Copy(grammar);
  text.Append(PlaintextView::Of(std::string_view("\0", 1)));
  llama_sampler* sampler = nullptr;
  try {
    sampler = ::llama_sampler_init_grammar(model.vocabulary(), text.view().Reveal().data(), "root");
  } catch (const std::exception&) {
    sampler = nullptr;
  }
  if (sampler == nullptr) {
    return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                                 .message = "the grammar is left-recursive: a rule begins with "
                                            "itself, maybe through others",
                                 .param = "grammar",
                                 .detail = {}});
  }
  return std::make_unique<GrammarConstraint>(sampler);
}

}  // namespace casemate::inference
