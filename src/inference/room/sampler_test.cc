#include "inference/room/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "llama.h"

namespace casemate::inference {
namespace {

Generate Parameters(float temperature) {
  Generate request;
  request.temperature = temperature;
  request.has_seed = true;
  request.seed = 1;
  return request;
}

std::vector<float> RandomLogits(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(count);
  std::ranges::generate(logits, [&] { return normal(random); });
  return logits;
}

std::int32_t Pick(TokenSampler& sampler, const std::vector<float>& logits,
                  Constraint* constraint = nullptr) {
  SamplerScratch scratch;
  Result<std::int32_t> token = sampler.Pick(logits, constraint, scratch);
  return token ? *token : -1;
}

TEST(SamplerTest, KeepsWhatLibllamasSamplersKeep) {
  for (const auto& [top_k, top_p, min_p] :
       std::vector<std::tuple<std::uint32_t, float, float>>{{0, 0.9F, 0},
                                                            {40, 1.0F, 0},
                                                            {0, 1.0F, 0.05F},
                                                            {300, 0.95F, 0.01F},
                                                            {1, 1, 0},
                                                            {0, 0.999F, 0}}) {
    const std::vector<float> logits = RandomLogits(1000, top_k + 1);
    Generate request = Parameters(0.7F);
    request.top_k = top_k;
    request.top_p = top_p;
    request.min_p = min_p;
    std::vector<Candidate> kept;
    TokenSampler(request, 0).Keep(logits, kept);

    std::vector<llama_token_data> all;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      all.push_back({.id = static_cast<llama_token>(i), .logit = logits[i], .p = 0});
    }
    llama_token_data_array array{
        .data = all.data(), .size = all.size(), .selected = -1, .sorted = false};
    llama_sampler* chain = ::llama_sampler_chain_init(::llama_sampler_chain_default_params());
    ::llama_sampler_chain_add(chain, ::llama_sampler_init_temp(0.7F));
    if (top_k > 0) {
      ::llama_sampler_chain_add(chain,
                                ::llama_sampler_init_top_k(static_cast<std::int32_t>(top_k)));
    }
    ::llama_sampler_chain_add(chain, ::llama_sampler_init_top_p(top_p, 1));
    ::llama_sampler_chain_add(chain, ::llama_sampler_init_min_p(min_p, 1));
    ::llama_sampler_apply(chain, &array);
    ::llama_sampler_free(chain);

    std::set<std::int32_t> ours;
    for (const Candidate& candidate : kept) {
      ours.insert(candidate.token);
    }
    std::set<std::int32_t> theirs;
    for (std::size_t i = 0; i < array.size; ++i) {
      theirs.insert(array.data[i].id);
    }
    EXPECT_EQ(ours, theirs) << top_k << ' ' << top_p << ' ' << min_p;
  }
}

TEST(SamplerTest, DrawsAsOftenAsTheWeightsSay) {
  const std::vector<float> logits = {std::log(0.5F), std::log(0.3F), std::log(0.2F)};
  TokenSampler sampler(Parameters(1.0F), 0);
  std::vector<int> counts(3);
  for (int i = 0; i < 20'000; ++i) {
    ++counts[static_cast<std::size_t>(Pick(sampler, logits))];
  }
  EXPECT_NEAR(counts[0], 10'000, 400);
  EXPECT_NEAR(counts[1], 6'000, 400);
  EXPECT_NEAR(counts[2], 4'000, 400);
}

TEST(SamplerTest, EachChoiceDrawsAsItsOwnSeedDoes) {
  const std::vector<float> logits = RandomLogits(500, 3);
  Generate request = Parameters(1.5F);
  TokenSampler second(request, 1);
  request.seed = 2;
  TokenSampler alone(request, 0);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Pick(second, logits), Pick(alone, logits));
  }
}

TEST(SamplerTest, PenaltiesGrowWithWhatTheAnswerHolds) {
  Generate request = Parameters(0);
  request.presence_penalty = 0.5F;
  request.frequency_penalty = 1.0F;
  TokenSampler sampler(request, 0);
  // 3 beats 2 until 1.5 are taken off; then each is taken in turn as the penalties grow.
  const std::vector<float> logits = {0, 2, 3};
  EXPECT_EQ(Pick(sampler, logits), 2);
  EXPECT_EQ(Pick(sampler, logits), 1);  // 3 - 1.5 < 2
  EXPECT_EQ(Pick(sampler, logits), 2);  // 1.5 > 0.5
  EXPECT_EQ(Pick(sampler, logits), 1);  // 0.5 = 0.5: the lower number
}

TEST(SamplerTest, ABiasMovesATokenAndMinusHundredForbidsIt) {
  Generate request = Parameters(0);
  request.biases = {{.token = 0, .bias = 10}, {.token = 2, .bias = -100}};
  TokenSampler sampler(request, 0);
  EXPECT_EQ(Pick(sampler, {1, 2, 3}), 0);
  EXPECT_EQ(Pick(sampler, {-20, 2, 500}), 1);
}

TEST(SamplerTest, NothingLeftIsAnErrorAndNanIsNeverDrawn) {
  Generate request = Parameters(1);
  request.biases = {{.token = 0, .bias = -100}};
  TokenSampler sampler(request, 0);
  SamplerScratch scratch;
  EXPECT_FALSE(sampler.Pick(std::vector<float>{1}, nullptr, scratch).has_value());
  EXPECT_EQ(Pick(sampler, {1, __builtin_nanf(""), 2}), 2);
}

TEST(SamplerTest, LogprobsAreTheModelsOwnWhateverTheParameters) {
  const std::vector<float> logits = {std::log(0.5F) + 7, std::log(0.3F) + 7, std::log(0.2F) + 7};
  SamplerScratch scratch;
  const ModelLogprobs found = LogprobsOf(logits, 1, 2, scratch);
  EXPECT_NEAR(found.chosen, std::log(0.3), 1e-5);
  ASSERT_EQ(found.top.size(), 2U);
  EXPECT_EQ(found.top[0].first, 0);
  EXPECT_NEAR(found.top[0].second, std::log(0.5), 1e-5);
  EXPECT_EQ(found.top[1].first, 1);
}

TEST(SamplerTest, ParametersOutOfRangeAreRefusedWithTheirName) {
  const auto refused = [](const std::string& param, auto&& change) {
    Generate request = Parameters(1);
    change(request);
    Result<void> checked = CheckSampling(request, 100);
    ASSERT_FALSE(checked.has_value()) << param;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(checked.error().param, param);
  };
  const float nan = __builtin_nanf("");
  EXPECT_TRUE(CheckSampling(Parameters(1), 100).has_value());
  refused("n", [](Generate& r) { r.choices = 0; });
  refused("n", [](Generate& r) { r.choices = kMaxChoices + 1; });
  refused("temperature", [](Generate& r) { r.temperature = 2.1F; });
  refused("temperature", [&](Generate& r) { r.temperature = nan; });
  refused("top_p", [](Generate& r) { r.top_p = 0; });
  refused("top_p", [&](Generate& r) { r.top_p = nan; });
  refused("min_p", [](Generate& r) { r.min_p = 1.1F; });
  refused("frequency_penalty", [](Generate& r) { r.frequency_penalty = -2.1F; });
  refused("presence_penalty", [&](Generate& r) { r.presence_penalty = nan; });
  refused("top_logprobs", [](Generate& r) { r.top_logprobs = 1; });
  refused("top_logprobs", [](Generate& r) {
    r.logprobs = true;
    r.top_logprobs = kMaxTopLogprobs + 1;
  });
  refused("logit_bias", [](Generate& r) { r.biases = {{.token = 100, .bias = 0}}; });
  refused("logit_bias", [](Generate& r) { r.biases = {{.token = -1, .bias = 0}}; });
  refused("logit_bias", [](Generate& r) { r.biases = {{.token = 1, .bias = 101}}; });
  refused("logit_bias", [](Generate& r) { r.biases.resize(kMaxBiases + 1); });
}

// Allows even tokens only.
class Even : public Constraint {
 public:
  bool Allows(std::int32_t token) override { return token % 2 == 0; }
  void Mask(std::int32_t, std::span<float> logits) override {
    ++masks;
    for (std::size_t i = 1; i < logits.size(); i += 2) {
      logits[i] = -std::numeric_limits<float>::infinity();
    }
  }
  Result<void> Accept(std::int32_t token) override {
    EXPECT_EQ(token % 2, 0);
    return {};
  }
  int masks = 0;
};

TEST(SamplerTest, AConstraintLeavesTheModelsOwnDistributionOfWhatItAllows) {
  const std::vector<float> logits = {std::log(0.1F), std::log(0.6F), std::log(0.3F)};
  TokenSampler sampler(Parameters(1), 0);
  Even even;
  int zeros = 0;
  for (int i = 0; i < 20'000; ++i) {
    zeros += Pick(sampler, logits, &even) == 0 ? 1 : 0;
  }
  EXPECT_NEAR(zeros, 5'000, 300);        // 0.1 / (0.1 + 0.3)
  EXPECT_NEAR(even.masks, 12'000, 400);  // only where the draw was refused
}

}  // namespace
}  // namespace casemate::inference
