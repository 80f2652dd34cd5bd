#include "inference/room/sampler.h"

#include <sys/random.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace casemate::inference {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr std::size_t kFirstSorted = 128;  // likeliest tokens looked at before more are

std::unexpected<Error> Refuse(std::string param, std::string message) {
  return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                               .message = std::move(message),
                               .param = std::move(param),
                               .detail = {}});
}

// NaN is within nothing.
bool Within(float value, float low, float high) { return value >= low && value <= high; }

// Likeliest first; the order of equals does not depend on how they were sorted.
bool Likelier(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

std::uint64_t Seed(const Generate& request, std::uint32_t choice) {
  if (request.has_seed) {
    return request.seed + choice;
  }
  std::uint64_t seed = 0;
  (void)!::getrandom(&seed, sizeof(seed), 0);
  return seed;
}

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
std::uint64_t NextRandom(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

// Where the sum of the sorted weights reaches `share` of `total`: at least one is kept.
void CutAtShare(std::vector<Candidate>& candidates, double total, double share) {
  const double enough = total * share;
  double sum = 0;
  std::size_t sorted = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (i == sorted) {
      sorted = std::min(candidates.size(), std::max(kFirstSorted, sorted * 8));
      std::partial_sort(candidates.begin() + static_cast<std::ptrdiff_t>(i),
                        candidates.begin() + static_cast<std::ptrdiff_t>(sorted), candidates.end(),
                        Likelier);
    }
    sum += candidates[i].weight;
    if (sum >= enough) {
      candidates.resize(i + 1);
      return;
    }
  }
}

}  // namespace

Result<void> CheckSampling(const Generate& request, std::uint32_t vocabulary) {
  if (request.choices < 1 || request.choices > kMaxChoices) {
    return Refuse("n", "n must be 1 to " + std::to_string(kMaxChoices));
  }
  if (!Within(request.temperature, 0.0F, kMaxTemperature)) {
    return Refuse("temperature", "temperature must be 0 to 2");
  }
  if (!(request.top_p > 0.0F && request.top_p <= 1.0F)) {
    return Refuse("top_p", "top_p must be above 0 and at most 1");
  }
  if (!Within(request.min_p, 0.0F, 1.0F)) {
    return Refuse("min_p", "min_p must be 0 to 1");
  }
  if (!Within(request.frequency_penalty, -kMaxPenalty, kMaxPenalty)) {
    return Refuse("frequency_penalty", "frequency_penalty must be -2 to 2");
  }
  if (!Within(request.presence_penalty, -kMaxPenalty, kMaxPenalty)) {
    return Refuse("presence_penalty", "presence_penalty must be -2 to 2");
  }
  if (request.top_logprobs > kMaxTopLogprobs) {
    return Refuse("top_logprobs", "top_logprobs must be 0 to " + std::to_string(kMaxTopLogprobs));
  }
  if (request.top_logprobs > 0 && !request.logprobs) {
    return Refuse("top_logprobs", "top_logprobs needs logprobs");
  }
  if (request.biases.size() > kMaxBiases) {
    return Refuse("logit_bias", std::to_string(request.biases.size()) +
                                    " tokens in logit_bias, at most " + std::to_string(kMaxBiases) +
                                    " are taken");
  }
  for (const TokenBias& bias : request.biases) {
    if (bias.token < 0 || static_cast<std::uint32_t>(bias.token) >= vocabulary) {
      return Refuse("logit_bias", "logit_bias: the model's tokens are 0 to " +
                                      std::to_string(vocabulary - 1) + ", found " +
                                      std::to_string(bias.token));
    }
    if (!Within(bias.bias, -kMaxBias, kMaxBias)) {
      return Refuse("logit_bias", "logit_bias: a bias must be -100 to 100");
    }
  }
  return {};
}

void SamplerScratch::Scrub() {
  Wipe(std::as_writable_bytes(std::span(logits)));
  // What was cut off the end is still there in memory.
  candidates.resize(candidates.capacity());
  Wipe(std::as_writable_bytes(std::span(candidates)));
  candidates.clear();
}

ModelLogprobs LogprobsOf(std::span<const float> logits, std::int32_t token, std::uint32_t top,
                         SamplerScratch& scratch) {
  ModelLogprobs made;
  const float most = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) {
    sum += std::exp(static_cast<double>(logit - most));
  }
  const double offset = static_cast<double>(most) + std::log(sum);
  made.chosen = static_cast<float>(logits[static_cast<std::size_t>(token)] - offset);
  if (top == 0) {
    return made;
  }
  std::vector<Candidate>& all = scratch.candidates;
  all.resize(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    all[i] = {.token = static_cast<std::int32_t>(i), .logit = logits[i], .weight = 0};
  }
  const std::size_t count = std::min<std::size_t>(top, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                    Likelier);
  for (std::size_t i = 0; i < count; ++i) {
    made.top.emplace_back(all[i].token, static_cast<float>(all[i].logit - offset));
  }
  return made;
}

TokenSampler::TokenSampler(const Generate& request, std::uint32_t choice)
    : temperature_(request.temperature),
      top_p_(request.top_p),
      top_k_(request.top_k),
      min_p_(request.min_p),
      frequency_penalty_(request.frequency_penalty),
      presence_penalty_(request.presence_penalty),
      biases_(request.biases),
      random_(Seed(request, choice)) {}

double TokenSampler::NextUniform() {
  return static_cast<double>(NextRandom(random_) >> 11U) * 0x1p-53;  // [0, 1), 53 bits
}

void TokenSampler::Keep(std::span<const float> logits, std::vector<Candidate>& kept) const {
  kept.clear();
  kept.reserve(logits.size());
  float most = kNever;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > kNever) {  // not for NaN either
      kept.push_back({.token = static_cast<std::int32_t>(i), .logit = logits[i], .weight = 0});
      most = std::max(most, logits[i]);
    }
  }
  if (top_k_ > 0 && top_k_ < kept.size()) {
    std::partial_sort(kept.begin(), kept.begin() + top_k_, kept.end(), Likelier);
    kept.resize(top_k_);
  }
  double total = 0;
  for (Candidate& candidate : kept) {
    candidate.weight = std::exp((candidate.logit - most) / temperature_);
    total += candidate.weight;
  }
  if (top_p_ < 1.0F) {
    CutAtShare(kept, total, top_p_);
  }
  if (min_p_ > 0.0F) {  // the likeliest weighs 1
    std::erase_if(kept, [this](const Candidate& candidate) { return candidate.weight < min_p_; });
  }
}

std::int32_t TokenSampler::Draw(SamplerScratch& scratch) {
  const std::vector<float>& logits = scratch.logits;
  if (temperature_ == 0.0F) {
    std::int32_t best = -1;
    float most = kNever;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (logits[i] > most) {
        most = logits[i];
        best = static_cast<std::int32_t>(i);
      }
    }
    return best;
  }
  Keep(logits, scratch.candidates);
  double total = 0;
  for (const Candidate& candidate : scratch.candidates) {
    total += candidate.weight;
  }
  double left = NextUniform() * total;
  std::int32_t drawn = -1;
  for (const Candidate& candidate : scratch.candidates) {
    if (candidate.weight <= 0) {
      continue;
    }
    drawn = candidate.token;
    left -= candidate.weight;
    if (left < 0) {
      break;
    }
  }
  return drawn;
}

Result<std::int32_t> TokenSampler::Pick(std::span<const float> logits, Constraint* constraint,
                                        SamplerScratch& scratch) {
  scratch.logits.assign(logits.begin(), logits.end());
  for (const TokenBias& bias : biases_) {
    float& logit = scratch.logits[static_cast<std::size_t>(bias.token)];
    logit = bias.bias <= -kMaxBias ? kNever : logit + bias.bias;
  }
  for (const auto& [token, count] : seen_) {
    scratch.logits[static_cast<std::size_t>(token)] -=
        frequency_penalty_ * static_cast<float>(count) + presence_penalty_;
  }
  std::int32_t token = Draw(scratch);
  if (constraint != nullptr && token >= 0 && !constraint->Allows(token)) {
    // A fresh draw among what is allowed: together with the first it is distributed as the model's
    // own choice given that the rule holds.
    constraint->Mask(token, scratch.logits);
    token = Draw(scratch);
  }
  if (token < 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "no token of the model's vocabulary can come next: logit_bias, grammar and "
                "quoting leave none");
  }
  if (constraint != nullptr) {
    if (Result<void> accepted = constraint->Accept(token); !accepted) {
      return std::unexpected(accepted.error());
    }
  }
  if (frequency_penalty_ != 0.0F || presence_penalty_ != 0.0F) {
    ++seen_[token];
  }
  return token;
}

}  // namespace casemate::inference
