#include "inference/room/generator.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.h"
#include "inference/room/answer_text.h"
#include "inference/room/llama_context.h"
#include "inference/room/sampler.h"

namespace casemate::inference {
namespace {

using Clock = std::chrono::steady_clock;

// How often a waiting caller looks whether its request was cancelled.
constexpr std::chrono::milliseconds kCancelPoll{20};

std::uint32_t MicrosBetween(Clock::time_point from, Clock::time_point to) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(micros, 0, UINT32_MAX));
}

// One request on its way. The engine thread owns it while it is queued or active; `mutex_` of the
// state guards `pieces`, `outcome` and `cancelled`, which both sides use.
struct Job {
  TokenBuffer prompt;
  Sampler sampler;
  AnswerText answer;
  std::uint32_t max_tokens = 0;

  // The engine thread's alone.
  std::int32_t sequence = -1;
  std::size_t computed = 0;      // prompt tokens in the cache
  std::int32_t next_token = -1;  // sampled, not computed yet
  std::uint32_t completion_tokens = 0;
  std::uint32_t unsent_tokens = 0;
  std::int32_t output_index = -1;  // in the step being computed
  Clock::time_point started;
  Clock::time_point prefilled;

  std::deque<GenerateText> pieces;
  std::optional<Result<GenerateDone>> outcome;
  bool cancelled = false;
  std::condition_variable changed;

  explicit Job(AnswerText text) : answer(std::move(text)) {}
  bool prefilling() const { return computed < prompt.size(); }
};

}  // namespace

struct Generator::State {
  const LlamaModel* model;
  ChatTemplate chat;
  ComputePermit permit;
  GeneratorOptions options;
  std::optional<LlamaContext> context;

  mutable std::mutex mutex;
  mutable std::condition_variable idle;  // nothing active and everything zeroed
  std::condition_variable work;
  std::deque<std::shared_ptr<Job>> queued;
  std::list<std::shared_ptr<Job>> active;
  bool stopping = false;
  bool clean = true;  // the context holds no plaintext
  std::vector<bool> slots;
  std::thread thread;

  State(const LlamaModel& of, ChatTemplate with, UniqueFd permit_fd, const GeneratorOptions& given)
      : model(&of), chat(std::move(with)), permit(std::move(permit_fd)), options(given) {}

  void Run();
  void Admit();
  void ComputeStep(std::unique_lock<std::mutex>& lock);
  void AddDecodes(std::vector<StepToken>& step);
  void AddPrefills(std::vector<StepToken>& step);
  void TakeOutputs();
  void TakeToken(Job& job, std::int32_t token);
  void Emit(Job& job, Plaintext text);
  void Finish(Job& job, Result<GenerateDone> outcome);
  void FinishWith(Job& job, FinishReason reason);
  void DropFinished();
  void CloseWindow(std::unique_lock<std::mutex>& lock);
};

void Generator::State::Run() {
  std::unique_lock lock(mutex);
  while (true) {
    if (active.empty() && queued.empty() && !clean) {
      CloseWindow(lock);
    }
    work.wait(lock, [this] { return stopping || !queued.empty() || !active.empty(); });
    if (stopping) {
      for (const auto& job : active) {
        Finish(*job, Fail(ErrorCode::kUnavailable, "the model is being stopped"));
      }
      for (const auto& job : queued) {
        Finish(*job, Fail(ErrorCode::kUnavailable, "the model is being stopped"));
      }
      active.clear();
      queued.clear();
      CloseWindow(lock);
      return;
    }
    Admit();
    ComputeStep(lock);
    DropFinished();
  }
}

void Generator::State::CloseWindow(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  context->Clear();
  lock.lock();
  // A request may have come meanwhile; it is not admitted before this returns.
  clean = true;
  if (queued.empty()) {
    idle.notify_all();
  }
}

void Generator::State::Admit() {
  while (!queued.empty()) {
    const auto free = std::find(slots.begin(), slots.end(), false);
    if (free == slots.end()) {
      return;
    }
    std::shared_ptr<Job> job = std::move(queued.front());
    queued.pop_front();
    if (job->cancelled) {
      FinishWith(*job, FinishReason::kCancelled);
      continue;
    }
    *free = true;
    clean = false;
    job->sequence = static_cast<std::int32_t>(free - slots.begin());
    job->started = Clock::now();
    active.push_back(std::move(job));
  }
}

void Generator::State::AddDecodes(std::vector<StepToken>& step) {
  for (const auto& job : active) {
    job->output_index = -1;
    if (job->outcome || job->prefilling()) {
      continue;
    }
    job->output_index = static_cast<std::int32_t>(step.size());
    // The cache holds the prompt and every answer token but the last one sampled.
    const std::size_t position = job->prompt.size() + job->completion_tokens - 1;
    step.push_back({.token = job->next_token,
                    .position = static_cast<std::int32_t>(position),
                    .sequence = job->sequence,
                    .wants_output = true});
  }
}

// Shares the step's budget among the waiting prompts, so that a short one does not wait for a long
// one that came first.
void Generator::State::AddPrefills(std::vector<StepToken>& step) {
  std::size_t waiting = 0;
  for (const auto& job : active) {
    waiting += !job->outcome && job->prefilling() ? 1 : 0;
  }
  std::size_t budget = options.prefill_tokens;
  for (const auto& job : active) {
    if (job->outcome || !job->prefilling()) {
      continue;
    }
    const std::size_t share = budget / waiting--;
    const std::size_t count = std::min(share, job->prompt.size() - job->computed);
    const std::span<const std::int32_t> tokens = job->prompt.RevealTokens();
    for (std::size_t i = 0; i < count; ++i) {
      const bool last = job->computed + 1 == tokens.size();
      if (last) {
        job->output_index = static_cast<std::int32_t>(step.size());
      }
      step.push_back({.token = tokens[job->computed],
                      .position = static_cast<std::int32_t>(job->computed),
                      .sequence = job->sequence,
                      .wants_output = last});
      ++job->computed;
    }
    budget -= count;
  }
}

void Generator::State::ComputeStep(std::unique_lock<std::mutex>& lock) {
  for (const auto& job : active) {
    if (job->cancelled && !job->outcome) {
      FinishWith(*job, FinishReason::kCancelled);
    }
  }
  std::vector<StepToken> step;
  step.reserve(context->options().step_tokens);  // growing would leave copies behind
  AddDecodes(step);
  AddPrefills(step);
  if (step.empty()) {
    return;
  }
  lock.unlock();
  Result<void> computed = context->Step(step);
  Wipe(std::as_writable_bytes(std::span(step)));
  lock.lock();
  if (!computed) {
    LogError("a step failed", computed.error());
    for (const auto& job : active) {
      if (!job->outcome) {
        Finish(*job, std::unexpected(computed.error()));
      }
    }
    return;
  }
  TakeOutputs();
}

void Generator::State::TakeOutputs() {
  for (const auto& job : active) {
    if (job->outcome || job->output_index < 0) {
      continue;
    }
    if (job->completion_tokens == 0) {
      job->prefilled = Clock::now();
    }
    TakeToken(*job, context->Sample(job->sampler.get(), job->output_index));
  }
}

void Generator::State::TakeToken(Job& job, std::int32_t token) {
  if (model->is_end(token)) {
    Emit(job, job.answer.Finish());
    FinishWith(job, FinishReason::kStop);
    return;
  }
  job.next_token = token;
  ++job.completion_tokens;
  ++job.unsent_tokens;
  Emit(job, job.answer.Append(model->Piece(token)));
  if (job.answer.stopped()) {
    FinishWith(job, FinishReason::kStop);
  } else if (job.completion_tokens >= job.max_tokens) {
    Emit(job, job.answer.Finish());
    FinishWith(job, FinishReason::kLength);
  }
}

void Generator::State::Emit(Job& job, Plaintext text) {
  if (text.empty()) {
    return;
  }
  job.pieces.push_back({.text = std::move(text), .tokens = job.unsent_tokens});
  job.unsent_tokens = 0;
  job.changed.notify_all();
}

void Generator::State::FinishWith(Job& job, FinishReason reason) {
  const Clock::time_point now = Clock::now();
  GenerateDone done;
  done.reason = reason;
  done.prompt_tokens = static_cast<std::uint32_t>(job.prompt.size());
  done.completion_tokens = job.completion_tokens;
  if (job.sequence >= 0) {
    const bool decoded = job.prefilled != Clock::time_point{};
    done.prefill_us = MicrosBetween(job.started, decoded ? job.prefilled : now);
    done.decode_us = decoded ? MicrosBetween(job.prefilled, now) : 0;
  }
  Finish(job, done);
}

void Generator::State::Finish(Job& job, Result<GenerateDone> outcome) {
  job.outcome = std::move(outcome);
  job.prompt.Clear();
  job.next_token = -1;
  job.changed.notify_all();
}

void Generator::State::DropFinished() {
  for (auto at = active.begin(); at != active.end();) {
    if (!(*at)->outcome) {
      ++at;
      continue;
    }
    context->DropSequence((*at)->sequence);
    slots[static_cast<std::size_t>((*at)->sequence)] = false;
    at = active.erase(at);
  }
}

Generator::Generator(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Generator>> Generator::Start(const LlamaModel& model,
                                                    const GeneratorOptions& options,
                                                    UniqueFd permit) {
  Result<ChatTemplate> chat =
      ChatTemplate::Parse(model.chat_template(), model.begin_text(), model.end_text());
  if (!chat) {
    return std::unexpected(chat.error());
  }
  GeneratorOptions chosen = options;
  if (chosen.context_tokens == 0) {
    chosen.context_tokens = model.trained_context();
  }
  if (chosen.threads == 0) {
    chosen.threads = model.default_threads();
  }
  if (chosen.context_tokens < 2 || chosen.sequences < 1 || chosen.sequences > 256 ||
      chosen.prefill_tokens < 1 || chosen.prefill_tokens > 4096) {
    return Fail(ErrorCode::kInvalidArgument, "a room of " + std::to_string(chosen.sequences) +
                                                 " sequences of " +
                                                 std::to_string(chosen.context_tokens) + " tokens");
  }
  auto state = std::make_unique<State>(model, std::move(*chat), std::move(permit), chosen);
  // A prompt's share of a step is never nothing.
  state->options.prefill_tokens = std::max(chosen.prefill_tokens, chosen.sequences);
  Result<LlamaContext> context =
      LlamaContext::Create(model,
                           {.context_tokens = chosen.context_tokens,
                            .sequences = chosen.sequences,
                            .step_tokens = state->options.prefill_tokens + chosen.sequences,
                            .threads = chosen.threads},
                           state->permit);
  if (!context) {
    return std::unexpected(context.error());
  }
  state->context.emplace(std::move(*context));
  state->slots.assign(chosen.sequences, false);
  state->thread = std::thread([raw = state.get()] { raw->Run(); });
  return std::unique_ptr<Generator>(new Generator(std::move(state)));
}

Generator::~Generator() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work.notify_all();
  state_->thread.join();
}

std::uint32_t Generator::context_tokens() const { return state_->options.context_tokens; }

std::uint32_t Generator::active() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<std::uint32_t>(state_->active.size());
}

void Generator::WaitUntilIdle() const {
  std::unique_lock lock(state_->mutex);
  state_->idle.wait(
      lock, [this] { return state_->clean && state_->active.empty() && state_->queued.empty(); });
}

namespace {

// Hands what the engine made to the sink until the job is over. `lock` is held on entry and exit,
// not while the sink runs.
Result<GenerateDone> Follow(Job& job, const Generator::Sink& sink,
                            std::unique_lock<std::mutex>& lock) {
  while (true) {
    job.changed.wait_for(lock, kCancelPoll, [&job] { return job.outcome || !job.pieces.empty(); });
    std::deque<GenerateText> pieces = std::move(job.pieces);
    job.pieces.clear();
    const bool was_cancelled = job.cancelled;
    const bool over = job.outcome.has_value();
    lock.unlock();
    bool cancel = sink.cancelled && sink.cancelled();
    for (const GenerateText& piece : pieces) {
      cancel = cancel || was_cancelled || (sink.text && !sink.text(piece));
    }
    lock.lock();
    job.cancelled = job.cancelled || cancel;
    if (over && job.pieces.empty()) {
      if (*job.outcome && job.cancelled) {
        (*job.outcome)->reason = FinishReason::kCancelled;
      }
      return *job.outcome;
    }
  }
}

}  // namespace

Result<GenerateDone> Generator::Generate(const inference::Generate& request, const Sink& sink) {
  Result<AnswerText> answer = AnswerText::Create(request.stop);
  Result<Sampler> sampler = MakeSampler(request);
  if (!answer || !sampler) {
    return std::unexpected(answer ? sampler.error() : answer.error());
  }
  Result<TokenBuffer> prompt = RenderPrompt(state_->chat, *state_->model, request.messages);
  if (!prompt) {
    return std::unexpected(prompt.error());
  }
  const std::uint32_t context = state_->options.context_tokens;
  const auto prompt_tokens = static_cast<std::uint32_t>(prompt->size());
  if (prompt->size() >= context) {
    return Fail(ErrorCode::kTooLarge, "prompt of " + std::to_string(prompt->size()) +
                                          " tokens, the model takes " + std::to_string(context));
  }
  if (prompt->size() == 0) {
    return Fail(ErrorCode::kInvalidArgument, "the model's chat template gives an empty prompt");
  }

  auto job = std::make_shared<Job>(std::move(*answer));
  job->prompt = std::move(*prompt);
  job->sampler = std::move(*sampler);
  job->max_tokens = context - prompt_tokens;
  if (request.max_tokens > 0) {
    job->max_tokens = std::min(job->max_tokens, request.max_tokens);
  }
  if (sink.started && !sink.started({.prompt_tokens = prompt_tokens})) {
    return GenerateDone{.reason = FinishReason::kCancelled, .prompt_tokens = prompt_tokens};
  }
  std::unique_lock lock(state_->mutex);
  if (state_->stopping) {
    return Fail(ErrorCode::kUnavailable, "the model is being stopped");
  }
  state_->queued.push_back(job);
  state_->work.notify_all();
  return Follow(*job, sink, lock);
}

}  // namespace casemate::inference
