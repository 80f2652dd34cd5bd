#include "inference/room/engine.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "inference/room/prefill_shares.h"

namespace casemate::inference {

Engine::Engine(const LlamaModel& model, LlamaContext context, const EngineOptions& options)
    : model_(&model), context_(std::move(context)), options_(options) {
  taken_.assign(context_.options().sequences, false);
}

std::int32_t Engine::FreeSequence() const {
  const auto free = std::ranges::find(taken_, false);
  return free == taken_.end() ? -1 : static_cast<std::int32_t>(free - taken_.begin());
}

bool Engine::has_free_sequence() const { return FreeSequence() >= 0; }

std::uint32_t Engine::sequences_of(std::uint64_t share) const {
  std::uint32_t count = 0;
  for (const auto& job : active_) {
    count += job->share == share ? job->sequences() : 0;
  }
  return count;
}

void Engine::Admit(std::shared_ptr<Job> job) {
  Choice& first = *job->choices.front();
  first.sequence = FreeSequence();
  taken_[static_cast<std::size_t>(first.sequence)] = true;
  job->started = Job::Clock::now();
  active_.push_back(std::move(job));
}

// Puts `choice`, whose sequence holds the prompt and maybe a sibling's answer, where only the
// prompt's last token is still to be computed.
void Engine::BeginFromPrompt(Job& job, Choice& choice) {
  const std::size_t last = job.prompt.size() - 1;
  if (last > 0 && model_->can_trim() && context_.TrimSequence(choice.sequence, last)) {
    choice.computed = last;
  } else {
    context_.EraseSequence(choice.sequence);
    choice.computed = 0;
  }
}

void Engine::StartWaitingChoices(bool waiting) {
  for (const auto& job : active_) {
    const auto source = std::ranges::find_if(job->choices, [&](const auto& choice) {
      return choice->sequence >= 0 && choice->computed >= job->prompt.size();
    });
    if (waiting || job->over() || source == job->choices.end()) {
      continue;
    }
    for (const auto& choice : job->choices) {
      const std::int32_t free = FreeSequence();
      if (free < 0) {
        return;
      }
      if (choice->sequence >= 0 || choice->reason() != FinishReason::kNone) {
        continue;
      }
      taken_[static_cast<std::size_t>(free)] = true;
      choice->sequence = free;
      context_.CopySequence((*source)->sequence, free);
      BeginFromPrompt(*job, *choice);
    }
  }
}

// An answer has ended: its sequence goes to a sibling that waits, with the prompt in it, or is
// overwritten. Siblings stand back for other requests unless it is the last one with the prompt.
void Engine::Release(Job& job, Choice& choice, bool waiting) {
  const std::int32_t sequence = std::exchange(choice.sequence, -1);
  const auto sibling = std::ranges::find_if(job.choices, [](const auto& other) {
    return other->sequence < 0 && other->reason() == FinishReason::kNone;
  });
  const bool stands_back = waiting && job.sequences() > 0;
  if (sibling != job.choices.end() && !job.failure && !stands_back) {
    (*sibling)->sequence = sequence;
    BeginFromPrompt(job, **sibling);
    return;
  }
  context_.EraseSequence(sequence);
  taken_[static_cast<std::size_t>(sequence)] = false;
}

TokenBuffer Engine::Draft(const Job& job, const Choice& choice, std::size_t streams) {
  if (!job.speculate || options_.speculation == Speculation::kNever || !model_->can_trim()) {
    return {};
  }
  std::size_t length =
      options_.speculation == Speculation::kAlways ? kMaxDraft : draft_length_.Choose(streams);
  // One token comes of the step in any case.
  length = std::min<std::size_t>(length, choice.remaining_tokens() - 1);
  if (length == 0) {
    return {};
  }
  return LookUpDraft(job.prompt.RevealTokens(), choice.tokens(), length);
}

void Engine::AddDecodes(std::vector<StepToken>& step) {
  std::size_t streams = 0;
  for (const auto& job : active_) {
    for (const auto& choice : job->choices) {
      streams += choice->sequence >= 0 && choice->computed >= job->prompt.size() ? 1 : 0;
    }
  }
  for (const auto& job : active_) {
    for (const auto& choice : job->choices) {
      if (choice->sequence < 0 || choice->computed < job->prompt.size()) {
        continue;
      }
      Work work{.job = job.get(),
                .choice = choice.get(),
                .output = static_cast<std::int32_t>(step.size()),
                .draft = Draft(*job, *choice, streams)};
      const auto add = [&](std::int32_t token) {
        step.push_back({.token = token,
                        .position = static_cast<std::int32_t>(choice->computed++),
                        .sequence = choice->sequence,
                        .wants_output = true});
      };
      add(choice->tokens().back());
      for (const std::int32_t token : work.draft.RevealTokens()) {
        add(token);
      }
      works_.push_back(std::move(work));
    }
  }
}

void Engine::AddPrefills(std::vector<StepToken>& step) {
  std::vector<Work> waiting;
  std::vector<PrefillNeed> needs;
  for (const auto& job : active_) {
    for (const auto& choice : job->choices) {
      if (choice->sequence >= 0 && choice->computed < job->prompt.size()) {
        waiting.push_back({.job = job.get(), .choice = choice.get()});
        needs.push_back({.share = job->share, .tokens = job->prompt.size() - choice->computed});
      }
    }
  }
  const std::vector<std::size_t> counts = SharePrefill(needs, options_.prefill_tokens);
  for (std::size_t number = 0; number < waiting.size(); ++number) {
    Work& work = waiting[number];
    const std::span<const std::int32_t> tokens = work.job->prompt.RevealTokens();
    std::size_t& computed = work.choice->computed;
    for (std::size_t i = 0; i < counts[number]; ++i) {
      const bool last = computed + 1 == tokens.size();
      if (last) {
        work.output = static_cast<std::int32_t>(step.size());
      }
      step.push_back({.token = tokens[computed],
                      .position = static_cast<std::int32_t>(computed),
                      .sequence = work.choice->sequence,
                      .wants_output = last});
      ++computed;
    }
    if (work.output >= 0) {
      works_.push_back(std::move(work));
    }
  }
}

// Draws the token that the model's logits give, and goes on as long as it is the drafted one: each
// draw sees what it would have seen without a draft, so that the answer is the same.
void Engine::TakeOutputs(Work& work) {
  Job& job = *work.job;
  Choice& choice = *work.choice;
  const std::span<const std::int32_t> draft = work.draft.RevealTokens();
  std::size_t accepted = 0;
  for (std::size_t i = 0; i <= draft.size(); ++i) {
    const std::span<const float> logits =
        context_.Logits(work.output + static_cast<std::int32_t>(i));
    if (logits.empty()) {
      job.failure = Error{ErrorCode::kUnavailable, "the model could not compute a step", {}, {}};
      return;
    }
    if (Result<void> taken = choice.Take(*model_, logits, scratch_); !taken) {
      job.failure = taken.error();
      return;
    }
    if (choice.reason() != FinishReason::kNone || i == draft.size() ||
        choice.tokens().back() != draft[i]) {
      break;
    }
    ++accepted;
  }
  if (job.prefilled == Job::Clock::time_point{}) {
    job.prefilled = Job::Clock::now();
  }
  if (!draft.empty()) {
    job.drafted_tokens += static_cast<std::uint32_t>(draft.size());
    job.accepted_tokens += static_cast<std::uint32_t>(accepted);
    draft_length_.NoteDraft(draft.size(), accepted);
    choice.computed -= draft.size() - accepted;
    if (accepted < draft.size() && !context_.TrimSequence(choice.sequence, choice.computed)) {
      job.failure = Error{ErrorCode::kUnavailable, "the model could not take tokens back", {}, {}};
    }
  }
}

void Engine::Step(bool waiting) {
  for (const auto& job : active_) {
    if (job->ending) {
      for (const auto& choice : job->choices) {
        choice->End(FinishReason::kCancelled);
      }
    }
  }
  DropSequences(waiting);
  StartWaitingChoices(waiting);
  std::vector<StepToken> step;
  step.reserve(context_.options().step_tokens);  // growing would leave copies behind
  works_.clear();
  AddDecodes(step);
  const std::size_t decodes = step.size();
  AddPrefills(step);
  if (step.empty()) {
    return;
  }
  Result<void> computed = context_.Step(step);
  if (computed && decodes == step.size()) {
    draft_length_.NoteStep(decodes, context_.last_step_time().count());
  }
  Wipe(std::as_writable_bytes(std::span(step)));
  if (!computed) {
    LogError("a step failed", computed.error());
    FailAll(computed.error());
  } else {
    for (Work& work : works_) {
      TakeOutputs(work);
    }
  }
  works_.clear();
  DropSequences(waiting);
}

void Engine::DropSequences(bool waiting) {
  for (const auto& job : active_) {
    for (const auto& choice : job->choices) {
      if (choice->sequence >= 0 && (job->failure || choice->reason() != FinishReason::kNone)) {
        Release(*job, *choice, waiting);
      }
    }
  }
}

void Engine::DropFinished() {
  active_.remove_if([](const std::shared_ptr<Job>& job) { return job->over(); });
}

void Engine::FailAll(const Error& reason) {
  for (const auto& job : active_) {
    if (!job->over()) {
      job->failure = reason;
    }
  }
  DropSequences(false);
}

void Engine::Clear() {
  context_.Clear();
  scratch_.Scrub();
}

}  // namespace casemate::inference
