#include "inference/room/sampler.h"

#include <sys/random.h>

#include "llama.h"

namespace casemate::inference {
namespace {

constexpr float kMaxTemperature = 2.0F;  // as OpenAI's API has it

std::uint32_t Seed(const Generate& request) {
  if (request.has_seed) {
    // The generator takes 32 bits: both halves count.
    return static_cast<std::uint32_t>(request.seed ^ (request.seed >> 32U));
  }
  std::uint32_t seed = 0;
  (void)!::getrandom(&seed, sizeof(seed), 0);
  return seed;
}

}  // namespace

void FreeSampler::operator()(llama_sampler* sampler) const { ::llama_sampler_free(sampler); }

Result<Sampler> MakeSampler(const Generate& request) {
  // The negated forms refuse NaN too.
  if (!(request.temperature >= 0.0F && request.temperature <= kMaxTemperature)) {
    return Fail(ErrorCode::kInvalidArgument, "temperature must be 0 to 2");
  }
  if (!(request.top_p > 0.0F && request.top_p <= 1.0F)) {
    return Fail(ErrorCode::kInvalidArgument, "top_p must be above 0 and at most 1");
  }
  llama_sampler_chain_params params = ::llama_sampler_chain_default_params();
  params.no_perf = true;
  Sampler chain(::llama_sampler_chain_init(params));
  if (request.temperature == 0.0F) {
    ::llama_sampler_chain_add(chain.get(), ::llama_sampler_init_greedy());
    return chain;
  }
  ::llama_sampler_chain_add(chain.get(), ::llama_sampler_init_temp(request.temperature));
  if (request.top_p < 1.0F) {
    ::llama_sampler_chain_add(chain.get(), ::llama_sampler_init_top_p(request.top_p, 1));
  }
  ::llama_sampler_chain_add(chain.get(), ::llama_sampler_init_dist(Seed(request)));
  return chain;
}

}  // namespace casemate::inference
