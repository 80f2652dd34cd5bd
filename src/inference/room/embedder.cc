#include "inference/room/embedder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace casemate::inference {
namespace {

constexpr std::uint32_t kStepTokens = 512;

// Cuts at a character's beginning.
PlaintextView CutBytes(PlaintextView text, std::size_t limit) {
  if (text.size() <= limit) {
    return text;
  }
  const std::string_view bytes = text.Reveal();
  while (limit > 0 && (static_cast<unsigned char>(bytes[limit]) & 0xC0U) == 0x80U) {
    --limit;
  }
  return text.Part(0, limit);
}

// Writes `row` scaled to length 1; false where it has no direction.
bool WriteUnit(std::span<const float> row, std::span<std::byte> out) {
  double sum = 0;
  for (const float value : row) {
    sum += static_cast<double>(value) * static_cast<double>(value);
  }
  if (!(sum > 0) || !std::isfinite(sum)) {
    return false;
  }
  const double scale = 1.0 / std::sqrt(sum);
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto value = static_cast<float>(row[i] * scale);
    std::memcpy(out.data() + i * sizeof(float), &value, sizeof(float));
  }
  return true;
}

}  // namespace

struct Embedder::Prepared {
  std::vector<TokenBuffer> texts;
  std::uint32_t tokens = 0;
  std::uint32_t truncated = 0;
};

Embedder::Embedder(const LlamaModel& model, const EmbedderOptions& options, UniqueFd permit)
    : model_(&model), options_(options), permit_(std::move(permit)) {}

Result<std::unique_ptr<Embedder>> Embedder::Create(const LlamaModel& model,
                                                   const EmbedderOptions& options,
                                                   UniqueFd permit) {
  EmbedderOptions chosen = options;
  if (chosen.context_tokens == 0) {
    chosen.context_tokens = model.trained_context();
  }
  if (chosen.threads == 0) {
    chosen.threads = model.default_threads();
  }
  if (chosen.context_tokens < 1 || chosen.sequences < 1 || chosen.sequences > 256) {
    return Fail(ErrorCode::kInvalidArgument, "an embedding room of " +
                                                 std::to_string(chosen.sequences) + " texts of " +
                                                 std::to_string(chosen.context_tokens) + " tokens");
  }
  std::unique_ptr<Embedder> made(new Embedder(model, chosen, std::move(permit)));
  // A text's tokens must come in one step for its mean to be right.
  Result<LlamaContext> context =
      LlamaContext::Create(model,
                           {.context_tokens = chosen.context_tokens,
                            .sequences = chosen.sequences,
                            .step_tokens = std::max(kStepTokens, chosen.context_tokens),
                            .threads = chosen.threads,
                            .embeddings = true},
                           made->permit_);
  if (!context) {
    return std::unexpected(context.error());
  }
  made->context_.emplace(std::move(*context));
  return made;
}

Result<Embedder::Prepared> Embedder::Prepare(const inference::Embed& request) const {
  Prepared prepared;
  prepared.texts.reserve(request.texts.size());
  for (const Plaintext& text : request.texts) {
    const PlaintextView cut = CutBytes(text, kMaxEmbedTextBytes);
    Result<TokenBuffer> tokens = model_->TokenizeContent(cut);
    if (!tokens) {
      return std::unexpected(tokens.error());
    }
    const std::string which = "text " + std::to_string(prepared.texts.size() + 1);
    if (tokens->size() == 0) {
      return Fail(ErrorCode::kInvalidArgument, which + " is empty");
    }
    if (tokens->size() > options_.context_tokens || cut.size() < text.size()) {
      if (request.refuse_long) {
        return Fail(ErrorCode::kTooLarge, which + " of " + std::to_string(tokens->size()) +
                                              " tokens, the model takes " +
                                              std::to_string(options_.context_tokens));
      }
      tokens->Truncate(options_.context_tokens);
      ++prepared.truncated;
    }
    prepared.tokens += static_cast<std::uint32_t>(tokens->size());
    prepared.texts.push_back(std::move(*tokens));
  }
  return prepared;
}

Result<void> Embedder::ComputeAll(const Prepared& texts, EmbedReply& reply,
                                  const std::function<bool()>& cancelled) {
  const std::size_t row_bytes = reply.dimensions * sizeof(float);
  std::vector<StepToken> step;
  step.reserve(context_->options().step_tokens);
  for (std::size_t first = 0; first < texts.texts.size();) {
    if (cancelled && cancelled()) {
      return Fail(ErrorCode::kCancelled, "the request was cancelled");
    }
    step.clear();
    std::size_t next = first;
    while (next < texts.texts.size() && next - first < options_.sequences &&
           step.size() + texts.texts[next].size() <= context_->options().step_tokens) {
      std::int32_t position = 0;
      for (const std::int32_t token : texts.texts[next].RevealTokens()) {
        step.push_back({.token = token,
                        .position = position++,
                        .sequence = static_cast<std::int32_t>(next - first),
                        .wants_output = true});
      }
      ++next;
    }
    Result<void> computed = context_->Step(step);
    Wipe(std::as_writable_bytes(std::span(step)));
    if (!computed) {
      return computed;
    }
    for (std::size_t i = first; i < next; ++i) {
      const std::span<const float> row = context_->Embedding(static_cast<std::int32_t>(i - first));
      if (row.size() != reply.dimensions ||
          !WriteUnit(row, reply.vectors.mutable_bytes().subspan(i * row_bytes, row_bytes))) {
        return Fail(ErrorCode::kUnavailable,
                    "the model gave no vector for text " + std::to_string(i + 1));
      }
    }
    for (std::size_t i = first; i < next; ++i) {
      context_->EraseSequence(static_cast<std::int32_t>(i - first));
    }
    first = next;
  }
  return {};
}

Result<EmbedReply> Embedder::Embed(const inference::Embed& request,
                                   const std::function<bool()>& cancelled) {
  if (request.texts.empty() || request.texts.size() > kMaxEmbedTexts) {
    return Fail(ErrorCode::kInvalidArgument, std::to_string(request.texts.size()) +
                                                 " texts, expected 1 to " +
                                                 std::to_string(kMaxEmbedTexts));
  }
  Result<Prepared> texts = Prepare(request);
  if (!texts) {
    return std::unexpected(texts.error());
  }
  EmbedReply reply;
  reply.dimensions = model_->dimensions();
  reply.tokens = texts->tokens;
  reply.truncated = texts->truncated;
  reply.vectors = Plaintext::Zeroed(request.texts.size() * reply.dimensions * sizeof(float));

  const std::lock_guard lock(mutex_);
  Result<void> computed = ComputeAll(*texts, reply, cancelled);
  context_->Clear();
  if (!computed) {
    return std::unexpected(computed.error());
  }
  return reply;
}

}  // namespace casemate::inference
