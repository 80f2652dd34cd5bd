#include "inference/room/embedder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

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
  if (chosen.context_tokens < 2 || chosen.sequences < 1 || chosen.sequences > 256) {
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
                            .embeddings = true,
                            .rank = model.is_reranker()},
                           made->permit_);
  if (!context) {
    return std::unexpected(context.error());
  }
  made->context_.emplace(std::move(*context));
  if (!made->context_->has_memory() && chosen.context_tokens > model.trained_context()) {
    return Fail(ErrorCode::kInvalidArgument, std::to_string(chosen.context_tokens) +
                                                 " tokens of context, this encoder takes " +
                                                 std::to_string(model.trained_context()));
  }
  return made;
}

Result<Embedder::Prepared> Embedder::Prepare(const inference::Embed& request) const {
  Prepared prepared;
  prepared.texts.reserve(request.texts.size());
  for (const Plaintext& text : request.texts) {
    const PlaintextView cut = CutBytes(text, kMaxEmbedTextBytes);
    std::size_t whole = 0;
    Result<TokenBuffer> tokens = model_->TokenizeText(cut, options_.context_tokens, whole);
    if (!tokens) {
      return std::unexpected(tokens.error());
    }
    const std::string which = "text " + std::to_string(prepared.texts.size() + 1);
    if (tokens->size() == 0) {
      return Fail(ErrorCode::kInvalidArgument, which + " is empty");
    }
    if (whole > tokens->size() || cut.size() < text.size()) {
      if (request.refuse_long) {
        return Fail(ErrorCode::kTooLarge, which + " of " + std::to_string(whole) +
                                              " tokens, the model takes " +
                                              std::to_string(options_.context_tokens));
      }
      ++prepared.truncated;
    }
    prepared.tokens += static_cast<std::uint32_t>(tokens->size());
    prepared.texts.push_back(std::move(*tokens));
  }
  return prepared;
}

// A query and a document for each text. A document that is too long is cut, a query is not.
Result<Embedder::Prepared> Embedder::PreparePairs(const inference::Rank& request) const {
  Prepared prepared;
  prepared.texts.reserve(request.documents.size());
  for (const Plaintext& document : request.documents) {
    const PlaintextView cut = CutBytes(document, kMaxEmbedTextBytes);
    Result<TokenBuffer> tokens = model_->TokenizePair(request.query, cut, options_.context_tokens);
    if (!tokens) {
      return std::unexpected(tokens.error());
    }
    prepared.tokens += static_cast<std::uint32_t>(tokens->size());
    prepared.texts.push_back(std::move(*tokens));
  }
  return prepared;
}

Result<void> Embedder::ComputeAll(const Prepared& texts, const TakeRow& take,
                                  const std::function<bool()>& cancelled) {
  const std::lock_guard lock(mutex_);
  struct AtEnd {
    LlamaContext& context;
    ~AtEnd() { context.Clear(); }
  } const at_end{*context_};
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
      if (Result<void> taken = take(i, row); !taken) {
        return taken;
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
  if (context_->options().rank) {
    return Fail(ErrorCode::kInvalidArgument, "the model ranks and makes no embeddings");
  }
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
  const std::size_t row_bytes = reply.dimensions * sizeof(float);
  Result<void> computed = ComputeAll(
      *texts,
      [&](std::size_t text, std::span<const float> row) -> Result<void> {
        if (row.size() != reply.dimensions ||
            !WriteUnit(row, reply.vectors.mutable_bytes().subspan(text * row_bytes, row_bytes))) {
          return Fail(ErrorCode::kUnavailable,
                      "the model gave no vector for text " + std::to_string(text + 1));
        }
        return {};
      },
      cancelled);
  if (!computed) {
    return std::unexpected(computed.error());
  }
  return reply;
}

Result<RankReply> Embedder::Rank(const inference::Rank& request,
                                 const std::function<bool()>& cancelled) {
  if (request.documents.empty() || request.documents.size() > kMaxRankDocuments) {
    return Fail(ErrorCode::kInvalidArgument, std::to_string(request.documents.size()) +
                                                 " documents, expected 1 to " +
                                                 std::to_string(kMaxRankDocuments));
  }
  if (!context_->options().rank) {
    return RankByCosine(request, cancelled);
  }
  Result<Prepared> pairs = PreparePairs(request);
  if (!pairs) {
    return std::unexpected(pairs.error());
  }
  RankReply reply;
  reply.tokens = pairs->tokens;
  reply.scores.resize(request.documents.size());
  Result<void> computed = ComputeAll(
      *pairs,
      [&](std::size_t document, std::span<const float> row) -> Result<void> {
        if (row.empty() || !std::isfinite(row[0])) {
          return Fail(ErrorCode::kUnavailable,
                      "the model gave no score for document " + std::to_string(document + 1));
        }
        reply.scores[document] = row[0];
        return {};
      },
      cancelled);
  if (!computed) {
    return std::unexpected(computed.error());
  }
  return reply;
}

Result<RankReply> Embedder::RankByCosine(const inference::Rank& request,
                                         const std::function<bool()>& cancelled) {
  inference::Embed query;
  query.texts.push_back(Plaintext::Copy(request.query));
  query.refuse_long = true;
  Result<EmbedReply> asked = Embed(query, cancelled);
  if (!asked) {
    return Wrap(asked.error(), "query");
  }
  inference::Embed documents;
  for (const Plaintext& document : request.documents) {
    documents.texts.push_back(Plaintext::Copy(document));
  }
  Result<EmbedReply> found = Embed(documents, cancelled);
  if (!found) {
    return Wrap(found.error(), "documents");
  }
  RankReply reply;
  reply.tokens = asked->tokens + found->tokens;
  const auto floats = [](const EmbedReply& of) {
    const ByteView bytes = of.vectors.view().RevealBytes();
    return std::span(reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float));
  };
  const std::span<const float> one = floats(*asked);
  for (std::size_t i = 0; i < request.documents.size(); ++i) {
    // Both are of unit length.
    reply.scores.push_back(std::inner_product(
        one.begin(), one.end(), floats(*found).subspan(i * one.size()).begin(), 0.0F));
  }
  return reply;
}

}  // namespace casemate::inference
