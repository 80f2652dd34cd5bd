#pragma once

#include <functional>
#include <memory>

#include "base/error.h"
#include "inference/messages.h"
#include "inference/room/chat_template.h"
#include "inference/room/compute_permit.h"
#include "inference/room/engine.h"
#include "inference/room/llama_model.h"

namespace casemate::inference {

struct GeneratorOptions {
  std::uint32_t context_tokens = 0;    // of one sequence; 0: what the model was trained with
  std::uint32_t sequences = 4;         // answered at the same time; more wait
  std::uint32_t prefill_tokens = 256;  // of prompts, per step
  std::uint32_t threads = 0;           // 0: LlamaModel::default_threads
  Speculation speculation = Speculation::kWherePaying;
};

// Answers requests with one model. One thread computes steps for all of them together (Engine), so
// that a long prompt cannot stop other answers. Requests over the number of sequences wait; a free
// sequence goes to the share that has fewest, then to who came first. A request needs one sequence
// to begin and takes more for its other choices while nobody waits. When no answer is being
// written, all plaintext state is zeroed; the keys and values of an answer that ends before that
// are overwritten with zeros before the next step.
// Threads: Generate may run at the same time, up to any number.
class Generator {
 public:
  struct Sink {
    std::function<bool(const GenerateStarted&)> started;  // false cancels
    std::function<bool(const GenerateText&)> text;        // false cancels
    std::function<bool()> cancelled;                      // looked at between pieces
  };

  // `model` must outlive it. `permit`: ComputePermit's descriptor, may be none. Errors:
  // kInvalidArgument: the chat template; kResourceExhausted.
  [[nodiscard]] static Result<std::unique_ptr<Generator>> Start(const LlamaModel& model,
                                                                const GeneratorOptions& options,
                                                                UniqueFd permit);
  ~Generator();  // ends what runs (kUnavailable), joins the thread, zeroes the state
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Calls the sink on this thread; a slow sink delays its own answer only. A cancelled answer ends
  // with FinishReason::kCancelled within one step. Errors: kTooLarge: "prompt of 412 tokens, the
  // model takes 320"; kInvalidArgument: parameters (param names the field), grammar or template;
  // kUnavailable: the engine failed or stops.
  [[nodiscard]] Result<GenerateDone> Generate(const inference::Generate& request, const Sink& sink);

  std::uint32_t context_tokens() const;

  // What stands in the engine now: for the window's report and tests.
  std::uint32_t active() const;
  // Blocks until no answer is being written and the state is zeroed.
  void WaitUntilIdle() const;

 private:
  struct State;
  explicit Generator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace casemate::inference
