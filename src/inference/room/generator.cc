#include "inference/room/generator.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "inference/room/job.h"
#include "inference/room/job_maker.h"
#include "inference/room/llama_context.h"
#include "inference/room/prompt_lookup.h"

namespace casemate::inference {
namespace {

// How often a waiting caller looks whether its request was cancelled.
constexpr std::chrono::milliseconds kCancelPoll{20};

constexpr std::uint32_t kMaxSequences = 255;  // libllama's limit, less the one that stays empty

Error Stopping() { return {ErrorCode::kUnavailable, "the model is being stopped", {}, {}}; }

}  // namespace

struct Generator::State {
  const LlamaModel* model;
  ChatTemplate chat;
  ComputePermit permit;
  GeneratorOptions options;
  std::optional<Engine> engine;  // the thread's alone

  mutable std::mutex mutex;
  mutable std::condition_variable idle;  // nothing active and everything zeroed
  std::condition_variable work;
  std::deque<std::shared_ptr<Job>> queued;
  std::uint32_t active = 0;  // requests in the engine
  bool stopping = false;
  bool clean = true;  // the context holds no plaintext
  std::thread thread;

  State(const LlamaModel& of, ChatTemplate with, UniqueFd permit_fd, const GeneratorOptions& given)
      : model(&of), chat(std::move(with)), permit(std::move(permit_fd)), options(given) {}

  void Run();
  void Admit();
  void Publish();
  void CloseWindow(std::unique_lock<std::mutex>& lock);
  void StopAll(std::unique_lock<std::mutex>& lock);
};

void Generator::State::Run() {
  std::unique_lock lock(mutex);
  while (true) {
    if (engine->empty() && !clean) {
      CloseWindow(lock);
    }
    if (engine->empty() && queued.empty()) {
      idle.notify_all();
    }
    work.wait(lock, [this] { return stopping || !queued.empty() || !engine->empty(); });
    if (stopping) {
      StopAll(lock);
      return;
    }
    Admit();
    for (const auto& job : engine->active()) {
      job->ending = job->cancelled;
    }
    const bool waiting = !queued.empty();
    lock.unlock();
    engine->Step(waiting);
    lock.lock();
    Publish();
    engine->DropFinished();
    active = static_cast<std::uint32_t>(engine->active().size());
  }
}

void Generator::State::StopAll(std::unique_lock<std::mutex>& lock) {
  engine->FailAll(Stopping());
  Publish();
  engine->DropFinished();
  active = 0;
  for (const auto& job : queued) {
    job->outcome = std::unexpected(Stopping());
    job->changed.notify_all();
  }
  queued.clear();
  CloseWindow(lock);
  idle.notify_all();
}

void Generator::State::CloseWindow(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  engine->Clear();
  lock.lock();
  // A request may have come meanwhile; it is not admitted before this returns.
  clean = true;
}

void Generator::State::Admit() {
  while (!queued.empty() && engine->has_free_sequence()) {
    const auto next = std::ranges::min_element(queued, {}, [this](const auto& job) {
      return job->cancelled ? 0 : engine->sequences_of(job->share);
    });
    std::shared_ptr<Job> job = std::move(*next);
    queued.erase(next);
    if (job->cancelled) {
      for (const auto& choice : job->choices) {
        choice->End(FinishReason::kCancelled);
      }
      job->outcome = job->Outcome();
      job->changed.notify_all();
      continue;
    }
    clean = false;
    engine->Admit(std::move(job));
    ++active;
  }
}

// Hands what the step made to those who wait for it.
void Generator::State::Publish() {
  for (const auto& job : engine->active()) {
    const std::size_t before = job->pieces.size();
    for (const auto& choice : job->choices) {
      for (GenerateText& piece : choice->TakePieces()) {
        job->pieces.push_back(std::move(piece));
      }
    }
    if (job->over()) {
      job->outcome = job->Outcome();
    }
    if (job->outcome || job->pieces.size() > before) {
      job->changed.notify_all();
    }
  }
}

Generator::Generator(std::unique_ptr<State> state) : state_(std::move(state)) {}

namespace {

// Drafts come on top of the prompts' share.
std::uint32_t StepTokens(const GeneratorOptions& options) {
  return options.prefill_tokens + options.sequences * static_cast<std::uint32_t>(1 + kMaxDraft);
}

}  // namespace

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
  if (chosen.context_tokens < 2 || chosen.sequences < 1 || chosen.sequences > kMaxSequences ||
      chosen.prefill_tokens < 1 || chosen.prefill_tokens > 4096) {
    return Fail(ErrorCode::kInvalidArgument, "a room of " + std::to_string(chosen.sequences) +
                                                 " sequences of " +
                                                 std::to_string(chosen.context_tokens) + " tokens");
  }
  auto state = std::make_unique<State>(model, std::move(*chat), std::move(permit), chosen);
  // A prompt's share of a step is never nothing.
  state->options.prefill_tokens = std::max(chosen.prefill_tokens, chosen.sequences);
  Result<LlamaContext> context = LlamaContext::Create(model,
                                                      {.context_tokens = chosen.context_tokens,
                                                       .sequences = chosen.sequences,
                                                       .step_tokens = StepTokens(state->options),
                                                       .threads = chosen.threads},
                                                      state->permit);
  if (!context) {
    return std::unexpected(context.error());
  }
  state->engine.emplace(model, std::move(*context),
                        EngineOptions{.prefill_tokens = state->options.prefill_tokens,
                                      .speculation = chosen.speculation});
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
  return state_->active;
}

void Generator::WaitUntilIdle() const {
  std::unique_lock lock(state_->mutex);
  state_->idle.wait(
      lock, [this] { return state_->clean && state_->active == 0 && state_->queued.empty(); });
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
  Result<std::shared_ptr<Job>> made =
      MakeJob(request, state_->chat, *state_->model, state_->options.context_tokens);
  if (!made) {
    return std::unexpected(made.error());
  }
  const std::shared_ptr<Job> job = std::move(*made);
  const auto prompt_tokens = static_cast<std::uint32_t>(job->prompt.size());
  if (sink.started && !sink.started({.prompt_tokens = prompt_tokens})) {
    return GenerateDone{.reason = FinishReason::kCancelled, .prompt_tokens = prompt_tokens};
  }
  std::unique_lock lock(state_->mutex);
  if (state_->stopping) {
    return std::unexpected(Stopping());
  }
  state_->queued.push_back(job);
  state_->work.notify_all();
  return Follow(*job, sink, lock);
}

}  // namespace casemate::inference
