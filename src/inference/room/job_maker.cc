#include "inference/room/job_maker.h"

#include <algorithm>

#include "inference/room/answer_text.h"
#include "inference/room/constraint_source.h"

namespace casemate::inference {
namespace {

Result<TokenBuffer> PromptOf(const Generate& request, const ChatTemplate& chat,
                             const LlamaModel& model) {
  if (!request.raw) {
    return RenderPrompt(chat, model, request.messages, request.tools);
  }
  if (request.messages.size() != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                std::to_string(request.messages.size()) + " prompts, expected one");
  }
  // What begins a text is the model's own; nothing in the prompt is a control token.
  Result<TokenBuffer> prompt = model.TokenizeTemplate({}, true);
  Result<TokenBuffer> content = model.TokenizeContent(request.messages[0].content);
  if (!prompt || !content) {
    return std::unexpected(prompt ? content.error() : prompt.error());
  }
  for (const std::int32_t token : content->RevealTokens()) {
    prompt->Append(token);
  }
  return prompt;
}

}  // namespace

Result<std::shared_ptr<Job>> MakeJob(const Generate& request, const ChatTemplate& chat,
                                     const LlamaModel& model, std::uint32_t context_tokens) {
  if (Result<void> good = CheckSampling(request, model.vocabulary_size()); !good) {
    return std::unexpected(good.error());
  }
  Result<TokenBuffer> prompt = PromptOf(request, chat, model);
  if (!prompt) {
    return std::unexpected(prompt.error());
  }
  if (prompt->size() >= context_tokens) {
    return Fail(ErrorCode::kTooLarge, "prompt of " + std::to_string(prompt->size()) +
                                          " tokens, the model takes " +
                                          std::to_string(context_tokens));
  }
  if (prompt->size() == 0) {
    return Fail(ErrorCode::kInvalidArgument, "the prompt is empty");
  }
  auto job = std::make_shared<Job>();
  job->prompt = std::move(*prompt);
  job->share = request.share;
  job->speculate = request.speculate;
  auto max_tokens = context_tokens - static_cast<std::uint32_t>(job->prompt.size());
  if (request.max_tokens > 0) {
    max_tokens = std::min(max_tokens, request.max_tokens);
  }
  Result<ConstraintSource> rules = ConstraintSource::Make(request, model);
  if (!rules) {
    return std::unexpected(rules.error());
  }
  for (std::uint32_t i = 0; i < request.choices; ++i) {
    Result<AnswerText> text = AnswerText::Create(request.stop);
    Result<std::unique_ptr<Constraint>> rule = rules->One();
    if (!text || !rule) {
      return std::unexpected(text ? rule.error() : text.error());
    }
    job->choices.push_back(
        std::make_unique<Choice>(Choice::Options{.number = i,
                                                 .max_tokens = max_tokens,
                                                 .logprobs = request.logprobs,
                                                 .top_logprobs = request.top_logprobs,
                                                 .with_control = !request.tools.empty()},
                                 TokenSampler(request, i), std::move(*text), std::move(*rule)));
  }
  return job;
}

}  // namespace casemate::inference
