#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "base/error.h"
#include "inference/messages.h"
#include "inference/room/llama_context.h"

namespace casemate::inference {

inline constexpr std::size_t kMaxEmbedTexts = 2048;
inline constexpr std::size_t kMaxRankDocuments = 1024;
inline constexpr std::size_t kMaxEmbedTextBytes = std::size_t{1} << 20;

struct EmbedderOptions {
  std::uint32_t context_tokens = 0;  // longest text; 0: what the model was trained with
  std::uint32_t sequences = 16;      // texts of one step
  std::uint32_t threads = 0;         // 0: LlamaModel::default_threads
};

// Vectors for texts: the mean of the model's last layer over the text's tokens, scaled to length 1.
// Short texts are computed together, a step at a time; after the last one all plaintext state is
// zeroed. Threads: Embed may run at the same time; requests take turns.
class Embedder {
 public:
  // `model` must outlive it. Errors: kInvalidArgument, kResourceExhausted.
  [[nodiscard]] static Result<std::unique_ptr<Embedder>> Create(const LlamaModel& model,
                                                                const EmbedderOptions& options,
                                                                UniqueFd permit);

  // Errors: kInvalidArgument: no texts, more than kMaxEmbedTexts, one without a token, or a model
  // that only ranks; kTooLarge:
  // refuse_long and a text over the context; kCancelled; kUnavailable.
  [[nodiscard]] Result<EmbedReply> Embed(const inference::Embed& request,
                                         const std::function<bool()>& cancelled);

  // How well each document answers the query: the scores of a reranking model, else the cosines of
  // the embeddings. Documents over the context are cut at it. Errors: kInvalidArgument: no
  // documents, more than kMaxRankDocuments, one without a token; kTooLarge: a query over the
  // context; kCancelled; kUnavailable.
  [[nodiscard]] Result<RankReply> Rank(const inference::Rank& request,
                                       const std::function<bool()>& cancelled);

  std::uint32_t context_tokens() const { return options_.context_tokens; }

 private:
  Embedder(const LlamaModel& model, const EmbedderOptions& options, UniqueFd permit);
  struct Prepared;
  // What the model makes of text number `text`; valid during the call.
  using TakeRow = std::function<Result<void>(std::size_t text, std::span<const float> row)>;
  [[nodiscard]] Result<Prepared> Prepare(const inference::Embed& request) const;
  [[nodiscard]] Result<Prepared> PreparePairs(const inference::Rank& request) const;
  [[nodiscard]] Result<void> ComputeAll(const Prepared& texts, const TakeRow& take,
                                        const std::function<bool()>& cancelled);
  [[nodiscard]] Result<RankReply> RankByCosine(const inference::Rank& request,
                                               const std::function<bool()>& cancelled);

  const LlamaModel* model_;
  EmbedderOptions options_;
  ComputePermit permit_;
  std::mutex mutex_;  // one request computes at a time
  std::optional<LlamaContext> context_;
};

}  // namespace casemate::inference
