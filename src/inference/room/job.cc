#include "inference/room/job.h"

#include <algorithm>

namespace casemate::inference {
namespace {

std::uint32_t MicrosBetween(Job::Clock::time_point from, Job::Clock::time_point to) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(micros, 0, UINT32_MAX));
}

}  // namespace

bool Job::over() const {
  return failure || std::ranges::all_of(choices, [](const auto& choice) {
           return choice->reason() != FinishReason::kNone;
         });
}

std::uint32_t Job::sequences() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(choices, [](const auto& choice) { return choice->sequence >= 0; }));
}

Result<GenerateDone> Job::Outcome() const {
  if (failure) {
    return std::unexpected(*failure);
  }
  GenerateDone done;
  done.reason = choices.front()->reason();
  done.prompt_tokens = static_cast<std::uint32_t>(prompt.size());
  for (const auto& choice : choices) {
    done.completion_tokens += choice->token_count();
  }
  if (started != Clock::time_point{}) {
    const Clock::time_point now = Clock::now();
    const bool decoded = prefilled != Clock::time_point{};
    done.prefill_us = MicrosBetween(started, decoded ? prefilled : now);
    done.decode_us = decoded ? MicrosBetween(prefilled, now) : 0;
  }
  done.drafted_tokens = drafted_tokens;
  done.accepted_tokens = accepted_tokens;
  return done;
}

}  // namespace casemate::inference
