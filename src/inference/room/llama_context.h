#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "inference/room/compute_permit.h"
#include "inference/room/llama_model.h"
#include "secmem/plaintext.h"

struct ggml_backend_buffer;
struct ggml_tensor;
struct llama_context;

namespace casemate::inference {

// One token for one step.
struct StepToken {
  std::int32_t token = 0;
  std::int32_t position = 0;
  std::int32_t sequence = 0;
  bool wants_output = false;  // its logits are sampled from after the step
};

struct ContextOptions {
  std::uint32_t context_tokens = 0;  // of one sequence
  std::uint32_t sequences = 1;
  std::uint32_t step_tokens = 256;  // most tokens of one step
  std::uint32_t threads = 1;
  bool embeddings = false;  // pooled vectors instead of logits: the mean, or
  bool rank = false;        // with it: the scores of a reranking model
};

// The plaintext state of a model at work: KV cache, activations, logits, the batch's tokens.
// Clear() zeroes all of it; residue_test.cc looks for what is left. Threads: one at a time.
class LlamaContext {
 public:
  // `model` and `permit` must outlive it. Errors: kResourceExhausted.
  [[nodiscard]] static Result<LlamaContext> Create(const LlamaModel& model,
                                                   const ContextOptions& options,
                                                   ComputePermit& permit);
  LlamaContext(LlamaContext&&) noexcept = default;
  LlamaContext& operator=(LlamaContext&&) noexcept = default;
  ~LlamaContext();

  // Computes one step while holding the compute permit. At most step_tokens; positions of a
  // sequence go on where it stands. Errors: kUnavailable: the library failed; the sequences of this
  // step must be dropped.
  [[nodiscard]] Result<void> Step(std::span<const StepToken> tokens);

  // What the model says after the step's `index`-th token, which wanted output: a logit for each
  // token of the vocabulary; empty on failure. Valid until the next step.
  std::span<const float> Logits(std::int32_t index) const;
  // The pooled vector of `sequence` after a step, not normalised, or its score (one number); empty
  // on failure.
  std::span<const float> Embedding(std::int32_t sequence) const;

  // Gives `to`, which is empty, what `from` holds.
  void CopySequence(std::int32_t from, std::int32_t to);
  // Forgets what `sequence` holds from `position` on. False: this model's memory cannot; then the
  // sequence is as it was.
  bool TrimSequence(std::int32_t sequence, std::size_t position);
  // Ends a sequence. Its keys and values are overwritten with zeros before the next step computes,
  // or by Clear; with embeddings, or where there is one sequence only, by Clear alone.
  void EraseSequence(std::int32_t sequence);
  // The window closes: every cell's bytes, the logits and the batch become zero.
  void Clear();

  // Whether it keeps what it computed for the next step: an encoder does not, and has no positions
  // past its trained context.
  bool has_memory() const;

  // What the last step took, once it was its turn.
  std::chrono::duration<double, std::micro> last_step_time() const { return step_time_; }

  const ContextOptions& options() const { return options_; }
  llama_context* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(llama_context* context) const;
  };
  LlamaContext(llama_context* context, const ContextOptions& options, const LlamaModel& model,
               ComputePermit& permit);
  void WipeOutputs();
  void OverwriteBatch();
  static bool OnNode(ggml_tensor* node, bool ask, void* buffers);

  std::unique_ptr<llama_context, Free> context_;
  ContextOptions options_;
  const LlamaModel* model_;
  ComputePermit* permit_;
  std::chrono::duration<double, std::micro> step_time_{};
  bool used_ = false;             // holds plaintext
  std::size_t outputs_ = 0;       // rows of logits of the last step
  std::size_t longest_step_ = 0;  // tokens, since the last Clear
  Plaintext batch_;               // token ids, positions, sequence ids: wiped memory
  // Where the last step's graph wrote, found by OnNode; on the heap, because libllama holds its
  // address.
  std::unique_ptr<std::vector<ggml_backend_buffer*>> buffers_;
};

}  // namespace casemate::inference
