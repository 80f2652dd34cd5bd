#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/error.h"
#include "inference/messages.h"
#include "inference/room/constraint.h"
#include "secmem/plaintext.h"

namespace casemate::inference {

inline constexpr std::size_t kMaxBiases = 300;
inline constexpr float kMaxTemperature = 2.0F;  // as OpenAI's API has it
inline constexpr float kMaxPenalty = 2.0F;
inline constexpr float kMaxBias = 100.0F;  // minus this one: never

// Refuses sampling parameters that are out of range; the error's param is the field's name in
// OpenAI's API. Errors: kInvalidArgument.
[[nodiscard]] Result<void> CheckSampling(const Generate& request, std::uint32_t vocabulary);

// A token and how likely it is, relative to the others beside it.
struct Candidate {
  std::int32_t token = 0;
  float logit = 0;
  float weight = 0;
};

// Memory that all samplers of an engine share, so that what it held of a prompt is wiped in one
// place. Threads: one at a time.
struct SamplerScratch {
  std::vector<float> logits;
  std::vector<Candidate> candidates;
  ~SamplerScratch() { Scrub(); }
  void Scrub();
};

// How likely the model itself held `token` to be, and the `top` likeliest tokens: the logarithms of
// the softmax of `logits`, before any sampling parameter.
struct ModelLogprobs {
  float chosen = 0;
  std::vector<std::pair<std::int32_t, float>> top;  // likeliest first
};
ModelLogprobs LogprobsOf(std::span<const float> logits, std::int32_t token, std::uint32_t top,
                         SamplerScratch& scratch);

// Draws the tokens of one answer. In this order: biases, penalties over the answer so far, the
// constraint, temperature, top_k, top_p, min_p, one draw; temperature 0 takes the likeliest. The
// draws come from a generator seeded by `seed` plus the choice's number, or by the kernel where
// none is given: the same seed, prompt and model give the same answer. Threads: one at a time.
class TokenSampler {
 public:
  // `request` has passed CheckSampling.
  TokenSampler(const Generate& request, std::uint32_t choice);

  // The next token after what the model says (`logits`, one a token of the vocabulary). Accepts it
  // for the penalties and the constraint, which may be nullptr. Errors: kInvalidArgument: the
  // constraint leaves no token.
  [[nodiscard]] Result<std::int32_t> Pick(std::span<const float> logits, Constraint* constraint,
                                          SamplerScratch& scratch);

  // What temperature, top_k, top_p and min_p leave of `logits`, likeliest first where top_k or
  // top_p asks for it; weights are relative. For Pick and its test.
  void Keep(std::span<const float> logits, std::vector<Candidate>& kept) const;

 private:
  std::int32_t Draw(SamplerScratch& scratch);
  double NextUniform();

  float temperature_;
  float top_p_;
  std::uint32_t top_k_;
  float min_p_;
  float frequency_penalty_;
  float presence_penalty_;
  std::vector<TokenBias> biases_;
  std::uint64_t random_;                        // state of SplitMix64
  std::map<std::int32_t, std::uint32_t> seen_;  // of the answer so far, when a penalty asks
};

}  // namespace casemate::inference
