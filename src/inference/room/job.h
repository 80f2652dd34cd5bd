#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "inference/messages.h"
#include "inference/room/choice.h"
#include "secmem/plaintext.h"

namespace casemate::inference {

// One request on its way through a Generator.
struct Job {
  using Clock = std::chrono::steady_clock;

  // The engine thread's alone, once queued.
  TokenBuffer prompt;
  std::vector<std::unique_ptr<Choice>> choices;
  std::uint64_t share = 0;
  bool speculate = true;
  bool ending = false;           // cancelled: seen by the engine
  std::optional<Error> failure;  // of the whole request
  std::uint32_t drafted_tokens = 0;
  std::uint32_t accepted_tokens = 0;
  Clock::time_point started;
  Clock::time_point prefilled;  // the first token was drawn

  // Guarded by the generator's mutex: both sides use them.
  std::deque<GenerateText> pieces;
  std::optional<Result<GenerateDone>> outcome;
  bool cancelled = false;
  std::condition_variable changed;

  // Every answer has ended, or the request failed.
  bool over() const;
  std::uint32_t sequences() const;  // of the context that it has now
  // What its sender is told at the end.
  Result<GenerateDone> Outcome() const;
};

}  // namespace casemate::inference
