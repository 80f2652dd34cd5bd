#pragma once

#include <list>
#include <memory>
#include <vector>

#include "base/error.h"
#include "inference/room/job.h"
#include "inference/room/llama_context.h"
#include "inference/room/llama_model.h"
#include "inference/room/prompt_lookup.h"
#include "inference/room/sampler.h"

namespace casemate::inference {

// Whether answers are drafted from their prompt. What is sampled is the same.
enum class Speculation : std::uint8_t {
  kWherePaying,  // measured while running
  kAlways,
  kNever,
};

struct EngineOptions {
  std::uint32_t prefill_tokens = 256;  // of prompts, per step; at least one a sequence
  Speculation speculation = Speculation::kWherePaying;
};

// The steps of one model: in each, the next token of every answer that is being written (and its
// draft), then pieces of the prompts that wait (SharePrefill). Requests with several choices are
// prefilled once: the others begin from a copy, as soon as there is a sequence for them; until then
// they wait for their siblings. Threads: one, the generator's.
class Engine {
 public:
  // `model` must outlive it.
  Engine(const LlamaModel& model, LlamaContext context, const EngineOptions& options);

  // Takes a request that at least one free sequence is there for.
  void Admit(std::shared_ptr<Job> job);
  bool has_free_sequence() const;
  bool empty() const { return active_.empty(); }
  const std::list<std::shared_ptr<Job>>& active() const { return active_; }
  std::uint32_t sequences_of(std::uint64_t share) const;

  // One step. `waiting`: other requests want sequences, so a request that has one takes no more.
  // Afterwards jobs have new pieces in their choices, and may be over.
  void Step(bool waiting);
  // Lets go of the jobs that are over.
  void DropFinished();
  // All requests end as `reason` says.
  void FailAll(const Error& reason);
  // Zeroes all plaintext state. Only while empty.
  void Clear();

 private:
  // What a step computes for one choice.
  struct Work {
    Job* job = nullptr;
    Choice* choice = nullptr;
    std::int32_t output = -1;  // index of the first token whose logits are wanted, or none
    TokenBuffer draft;         // tokens after that one
  };

  std::int32_t FreeSequence() const;
  void StartWaitingChoices(bool waiting);
  void BeginFromPrompt(Job& job, Choice& choice);
  void Release(Job& job, Choice& choice, bool waiting);
  TokenBuffer Draft(const Job& job, const Choice& choice, std::size_t streams);
  void DropSequences(bool waiting);
  void AddDecodes(std::vector<StepToken>& step);
  void AddPrefills(std::vector<StepToken>& step);
  void TakeOutputs(Work& work);

  const LlamaModel* model_;
  LlamaContext context_;
  EngineOptions options_;
  std::vector<bool> taken_;  // by sequence
  std::list<std::shared_ptr<Job>> active_;
  std::vector<Work> works_;  // of the step being computed
  SamplerScratch scratch_;
  DraftLength draft_length_;
};

}  // namespace casemate::inference
