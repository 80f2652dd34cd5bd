#include "inference/room/llama_context.h"

#include <algorithm>
#include <exception>

#include "inference/room/llama_backend.h"
#include "llama.h"

namespace casemate::inference {

void LlamaContext::Free::operator()(llama_context* context) const { ::llama_free(context); }

LlamaContext::LlamaContext(llama_context* context, const ContextOptions& options,
                           const LlamaModel& model, ComputePermit& permit)
    : context_(context), options_(options), model_(&model), permit_(&permit) {}

// The graph's callback, asked before each node is computed; it never wants a node's data, so all
// are still computed together. It notes the buffers that hold activations: libllama has no call
// that names or clears them.
bool LlamaContext::OnNode(ggml_tensor* node, bool ask, void* buffers) {
  (void)ask;
  auto& known = *static_cast<std::vector<ggml_backend_buffer*>*>(buffers);
  const ggml_tensor* owner = node->view_src != nullptr ? node->view_src : node;
  if (owner->buffer != nullptr &&
      ::ggml_backend_buffer_get_usage(owner->buffer) == GGML_BACKEND_BUFFER_USAGE_COMPUTE &&
      std::ranges::find(known, owner->buffer) == known.end()) {
    known.push_back(owner->buffer);
  }
  return false;
}

LlamaContext::~LlamaContext() {
  if (context_) {
    Clear();
  }
}

Result<LlamaContext> LlamaContext::Create(const LlamaModel& model, const ContextOptions& options,
                                          ComputePermit& permit) {
  llama_context_params params = ::llama_context_default_params();
  params.n_seq_max = options.sequences;
  // libllama 0.7 plans an encoder's graph with the tokens of a step shared out equally to the
  // sequences, and aborts where they do not divide.
  const std::uint32_t step = options.embeddings ? (options.step_tokens + options.sequences - 1) /
                                                      options.sequences * options.sequences
                                                : options.step_tokens;
  params.n_batch = step;
  params.n_ubatch = step;
  params.n_threads = static_cast<std::int32_t>(options.threads);
  params.n_threads_batch = static_cast<std::int32_t>(options.threads);
  params.no_perf = true;
  if (options.embeddings) {
    // One pooled row per sequence needs all of its tokens in one piece of computation. Separate KV
    // streams would be computed in equal pieces of each sequence, so the cells are shared here; the
    // mask keeps the texts, all of one tenant, apart.
    params.n_ctx = step;
    params.kv_unified = true;
    params.embeddings = true;
    params.pooling_type = options.rank ? LLAMA_POOLING_TYPE_RANK : LLAMA_POOLING_TYPE_MEAN;
  } else {
    // One more, of which nothing is ever computed: EraseSequence copies its zeros.
    params.n_seq_max = options.sequences + (options.sequences > 1 ? 1 : 0);
    params.n_ctx = options.context_tokens * params.n_seq_max;
    params.kv_unified = false;  // each sequence has cells of its own
  }
  auto buffers = std::make_unique<std::vector<ggml_backend_buffer*>>();
  params.cb_eval = OnNode;
  params.cb_eval_user_data = buffers.get();
  llama_context* context = nullptr;
  try {
    context = ::llama_init_from_model(model.get(), params);
  } catch (const std::exception&) {
    context = nullptr;
  }
  if (context == nullptr) {
    return Fail(ErrorCode::kResourceExhausted,
                "no memory for " + std::to_string(options.sequences) + " sequences of " +
                    std::to_string(options.context_tokens) + " tokens");
  }
  LlamaContext made(context, options, model, permit);
  made.buffers_ = std::move(buffers);
  if (!options.embeddings && ::llama_n_ctx_seq(context) < options.context_tokens) {
    return Fail(ErrorCode::kResourceExhausted, "the library gave a smaller context than asked for");
  }
  return made;
}

Result<void> LlamaContext::Step(std::span<const StepToken> tokens) {
  const std::size_t count = tokens.size();
  if (count == 0 || count > options_.step_tokens) {
    return Fail(ErrorCode::kInvalidArgument, "a step of " + std::to_string(count) + " tokens");
  }
  // libllama's batch arrays, carved from one wiped buffer, widest alignment first.
  const std::size_t row = sizeof(llama_seq_id*) + sizeof(llama_token) + sizeof(llama_pos) +
                          sizeof(std::int32_t) + sizeof(llama_seq_id) + sizeof(std::int8_t);
  batch_ = Plaintext::Zeroed(count * row);
  std::byte* at = batch_.mutable_bytes().data();
  const auto carve = [&at, count]<typename T>(T*& out) {
    out = reinterpret_cast<T*>(at);
    at += count * sizeof(T);
  };
  llama_batch batch{};
  llama_seq_id* sequences = nullptr;
  batch.n_tokens = static_cast<std::int32_t>(count);
  carve(batch.seq_id);
  carve(batch.token);
  carve(batch.pos);
  carve(batch.n_seq_id);
  carve(sequences);
  carve(batch.logits);
  outputs_ = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const StepToken& token = tokens[i];
    batch.token[i] = token.token;
    batch.pos[i] = token.position;
    batch.n_seq_id[i] = 1;
    sequences[i] = token.sequence;
    batch.seq_id[i] = &sequences[i];
    batch.logits[i] = token.wants_output ? 1 : 0;
    outputs_ += token.wants_output ? 1 : 0;
  }

  Result<ComputePermit::Held> turn = permit_->Take(count);
  if (!turn) {
    return std::unexpected(turn.error());
  }
  used_ = true;
  longest_step_ = std::max(longest_step_, count);
  buffers_->clear();  // those of an earlier step may be gone
  int result = -1;
  const auto begun = std::chrono::steady_clock::now();
  try {
    result = ::llama_decode(context_.get(), batch);
    ::llama_synchronize(context_.get());
  } catch (const std::exception&) {
    result = -4;
  }
  step_time_ = std::chrono::steady_clock::now() - begun;
  if (result != 0) {
    return Fail(ErrorCode::kUnavailable, "the model could not compute a step",
                "llama_decode gave " + std::to_string(result));
  }
  return {};
}

std::span<const float> LlamaContext::Logits(std::int32_t index) const {
  const float* row = nullptr;
  try {
    row = ::llama_get_logits_ith(context_.get(), index);
  } catch (const std::exception&) {
    row = nullptr;
  }
  if (row == nullptr) {
    return {};
  }
  return {row, model_->vocabulary_size()};
}

std::span<const float> LlamaContext::Embedding(std::int32_t sequence) const {
  const float* row = ::llama_get_embeddings_seq(context_.get(), sequence);
  if (row == nullptr) {
    return {};
  }
  return {row, options_.rank ? 1 : model_->dimensions()};
}

bool LlamaContext::has_memory() const { return ::llama_get_memory(context_.get()) != nullptr; }

void LlamaContext::CopySequence(std::int32_t from, std::int32_t to) {
  ::llama_memory_seq_cp(::llama_get_memory(context_.get()), from, to, -1, -1);
}

bool LlamaContext::TrimSequence(std::int32_t sequence, std::size_t position) {
  return ::llama_memory_seq_rm(::llama_get_memory(context_.get()), sequence,
                               static_cast<llama_pos>(position), -1);
}

void LlamaContext::EraseSequence(std::int32_t sequence) {
  // This alone edits a table and leaves the bytes.
  (void)::llama_memory_seq_rm(::llama_get_memory(context_.get()), sequence, -1, -1);
  if (!options_.embeddings && options_.sequences > 1) {
    // Between sequences with cells of their own libllama copies all cells' bytes, whatever they
    // hold, and does so, in order, before the next step.
    CopySequence(static_cast<std::int32_t>(options_.sequences), sequence);
  }
}

void LlamaContext::WipeOutputs() {
  if (outputs_ > 0 && !options_.embeddings) {
    if (float* logits = ::llama_get_logits(context_.get()); logits != nullptr) {
      Wipe({reinterpret_cast<std::byte*>(logits),
            outputs_ * model_->vocabulary_size() * sizeof(float)});
    }
  }
  if (options_.embeddings) {
    for (std::uint32_t i = 0; i < options_.sequences; ++i) {
      float* row = ::llama_get_embeddings_seq(context_.get(), static_cast<llama_seq_id>(i));
      if (row != nullptr) {
        const std::size_t width = options_.rank ? 1 : model_->dimensions();
        Wipe({reinterpret_cast<std::byte*>(row), width * sizeof(float)});
      }
    }
  }
  outputs_ = 0;
}

// libllama copies a batch into memory that it keeps, so that the end of the longest step stays
// there through shorter ones. A batch as long, of one meaningless token, takes its place; its
// positions have a hole, for which it is refused once it was copied and before anything is
// computed.
void LlamaContext::OverwriteBatch() {
  std::vector<llama_token> tokens(std::max<std::size_t>(longest_step_, 2), 0);
  std::vector<llama_pos> positions(tokens.size(), 0);
  positions.back() = 2;
  std::vector<std::int32_t> counts(tokens.size(), 1);
  llama_seq_id sequence = 0;
  std::vector<llama_seq_id*> sequences(tokens.size(), &sequence);
  std::vector<std::int8_t> outputs(tokens.size(), 0);
  llama_batch batch{};
  batch.n_tokens = static_cast<std::int32_t>(tokens.size());
  batch.token = tokens.data();
  batch.pos = positions.data();
  batch.n_seq_id = counts.data();
  batch.seq_id = sequences.data();
  batch.logits = outputs.data();
  const ExpectedError expected;
  try {
    (void)::llama_decode(context_.get(), batch);
  } catch (const std::exception&) {  // refused in another way
  }
}

void LlamaContext::Clear() {
  if (!used_) {
    return;
  }
  WipeOutputs();
  ::llama_memory_clear(::llama_get_memory(context_.get()), false);
  OverwriteBatch();
  // libllama keeps the token ids of the last step beside its graph until the next one: a step of
  // one meaningless token replaces them, and the allocator wipes what is freed.
  const StepToken nothing{.token = 0, .position = 0, .sequence = 0, .wants_output = true};
  (void)Step({&nothing, 1});  // where it fails, the context is broken and will not be used again
  longest_step_ = 0;
  WipeOutputs();
  // `true` writes zeros over the cells; removing sequences alone edits a table.
  ::llama_memory_clear(::llama_get_memory(context_.get()), true);
  for (ggml_backend_buffer* buffer : *buffers_) {
    ::ggml_backend_buffer_clear(buffer, 0);
  }
  batch_.Clear();
  used_ = false;
  permit_->Rest();
}

}  // namespace casemate::inference
