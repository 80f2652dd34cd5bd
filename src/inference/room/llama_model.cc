#include "inference/room/llama_model.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <limits>

#include "inference/room/gguf_check.h"
#include "llama.h"

namespace casemate::inference {
namespace {

constexpr std::uint64_t kWeightsPerThread = std::uint64_t{64} << 20;  // bytes
constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxPieceBytes = 512;

// The file's bytes for the time of the check.
Result<void> CheckFile(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) {
    return FailErrno("the model's file");
  }
  if (status.st_size <= 0) {
    return Fail(ErrorCode::kInvalidArgument, "the model file is empty");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* pages = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (pages == MAP_FAILED) {
    return FailErrno("mapping the model's file");
  }
  Result<GgufFacts> facts = CheckGguf(ByteView(static_cast<const std::byte*>(pages), size));
  ::munmap(pages, size);
  if (!facts) {
    return std::unexpected(facts.error());
  }
  return {};
}

}  // namespace

void LlamaModel::Free::operator()(llama_model* model) const { ::llama_model_free(model); }

LlamaModel::LlamaModel(llama_model* model) : model_(model), vocab_(::llama_model_get_vocab(model)) {
  std::array<char, kMaxPieceBytes> buffer;
  pieces_.resize(vocabulary_size());
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const std::int32_t size =
        ::llama_token_to_piece(vocab_, static_cast<llama_token>(i), buffer.data(),
                               static_cast<std::int32_t>(buffer.size()), 0, false);
    if (size > 0) {  // longer than any token of a sane vocabulary: dropped
      pieces_[i].assign(buffer.data(), static_cast<std::size_t>(size));
    }
  }
}

Result<LlamaModel> LlamaModel::Load(int fd) {
  if (Result<void> checked = CheckFile(fd); !checked) {
    return std::unexpected(checked.error());
  }
  const int copy = ::dup(fd);
  std::FILE* file = copy < 0 ? nullptr : ::fdopen(copy, "rb");
  if (file == nullptr) {
    if (copy >= 0) {
      ::close(copy);
    }
    return FailErrno("the model's file");
  }
  std::rewind(file);  // the position is shared with the caller's descriptor

  llama_model_params params = ::llama_model_default_params();
  params.n_gpu_layers = 0;
  params.load_mode = LLAMA_LOAD_MODE_MMAP;  // the sealed memfd's pages are the only copy
  params.lazy_mode = LLAMA_LAZY_MODE_OFF;   // no reads after the sandbox has closed
  params.check_tensors = true;
  params.progress_callback = [](float, void*) { return true; };
  llama_model* model = nullptr;
  try {
    model = ::llama_model_load_from_file_ptr(file, params);
  } catch (const std::exception&) {
    model = nullptr;
  }
  std::fclose(file);
  if (model == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                "the model file cannot be loaded: damaged, or of a kind that is not known");
  }
  return LlamaModel(model);
}

std::uint32_t LlamaModel::trained_context() const {
  return static_cast<std::uint32_t>(std::max(0, ::llama_model_n_ctx_train(model_.get())));
}
std::uint32_t LlamaModel::dimensions() const {
  return static_cast<std::uint32_t>(std::max(0, ::llama_model_n_embd_out(model_.get())));
}
std::uint32_t LlamaModel::vocabulary_size() const {
  return static_cast<std::uint32_t>(std::max(0, ::llama_vocab_n_tokens(vocab_)));
}
std::uint32_t LlamaModel::default_threads() const {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int cores = ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  const std::uint64_t wanted = ::llama_model_size(model_.get()) / kWeightsPerThread + 1;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(wanted, static_cast<std::uint64_t>(std::max(cores, 1))));
}
bool LlamaModel::is_end(std::int32_t token) const { return ::llama_vocab_is_eog(vocab_, token); }
bool LlamaModel::is_reranker() const {
  std::array<char, 64> text;
  if (::llama_model_meta_val_str(model_.get(), "general.architecture", text.data(), text.size()) <
      0) {
    return false;
  }
  const std::string key = std::string(text.data()) + ".pooling_type";
  return ::llama_model_meta_val_str(model_.get(), key.c_str(), text.data(), text.size()) > 0 &&
         std::string_view(text.data()) == std::to_string(LLAMA_POOLING_TYPE_RANK);
}
bool LlamaModel::can_trim() const {
  return !::llama_model_is_recurrent(model_.get()) && !::llama_model_is_hybrid(model_.get());
}

Result<TokenBuffer> LlamaModel::TokenizeContent(PlaintextView text) const {
  return Tokenize(text.Reveal(), false, false);
}

Result<TokenBuffer> LlamaModel::TokenizeText(PlaintextView text, std::size_t limit,
                                             std::size_t& whole) const {
  whole = 0;
  Result<TokenBuffer> frame = Tokenize({}, true, false);
  Result<TokenBuffer> tokens = Tokenize(text.Reveal(), true, false);
  if (!frame || !tokens) {
    return std::unexpected(frame ? tokens.error() : frame.error());
  }
  if (tokens->size() <= frame->size()) {
    return TokenBuffer();
  }
  whole = tokens->size();
  if (whole > limit) {
    const bool begins = ::llama_vocab_get_add_bos(vocab_);
    const bool ends = frame->size() > (begins ? 1U : 0U);
    tokens->Truncate(limit - (ends ? 1 : 0));
    if (ends) {
      tokens->Append(frame->RevealTokens().back());
    }
  }
  return tokens;
}

Result<TokenBuffer> LlamaModel::TokenizeTemplate(std::string_view text, bool first) const {
  // Many templates spell the begin token themselves: then it must not come twice.
  const std::string begin = begin_text();
  return Tokenize(text, first && (begin.empty() || !text.starts_with(begin)), true);
}

// As llama-server's format_prompt_rerank does it.
Result<TokenBuffer> LlamaModel::TokenizePair(PlaintextView query, PlaintextView document,
                                             std::size_t limit) const {
  constexpr std::string_view kQuery = "{query}";
  constexpr std::string_view kDocument = "{document}";
  const char* named = ::llama_model_chat_template(model_.get(), "rerank");
  const std::string_view form = named == nullptr ? std::string_view() : named;
  const std::size_t query_at = form.find(kQuery);
  const std::size_t document_at = form.find(kDocument);
  const bool has_form = query_at != std::string_view::npos &&
                        document_at != std::string_view::npos && query_at < document_at;
  TokenBuffer before;
  TokenBuffer after;
  const auto append = [](TokenBuffer& to, const Result<TokenBuffer>& more) {
    for (std::size_t i = 0; more && i < more->size(); ++i) {
      to.Append(more->RevealTokens()[i]);
    }
  };
  Result<TokenBuffer> asked = TokenizeContent(query);
  Result<TokenBuffer> found = TokenizeContent(document);
  if (!asked || !found) {
    return std::unexpected(asked ? found.error() : asked.error());
  }
  if (has_form) {
    append(before, Tokenize(form.substr(0, query_at), false, true));
    append(before, asked);
    const std::size_t between = query_at + kQuery.size();
    append(before, Tokenize(form.substr(between, document_at - between), false, true));
    append(after, Tokenize(form.substr(document_at + kDocument.size()), false, true));
  } else {
    const auto add = [](TokenBuffer& to, llama_token token, bool wanted) {
      if (wanted && token != LLAMA_TOKEN_NULL) {
        to.Append(token);
      }
    };
    llama_token end = ::llama_vocab_eos(vocab_);
    if (end == LLAMA_TOKEN_NULL) {
      end = ::llama_vocab_sep(vocab_);
    }
    add(before, ::llama_vocab_bos(vocab_), ::llama_vocab_get_add_bos(vocab_));
    append(before, asked);
    add(before, end, ::llama_vocab_get_add_eos(vocab_));
    add(before, ::llama_vocab_sep(vocab_), ::llama_vocab_get_add_sep(vocab_));
    add(after, end, ::llama_vocab_get_add_eos(vocab_));
  }
  if (before.size() + after.size() >= limit) {
    return Fail(ErrorCode::kTooLarge, "query of " + std::to_string(asked->size()) +
                                          " tokens, the model takes " + std::to_string(limit) +
                                          " with a document");
  }
  found->Truncate(limit - before.size() - after.size());
  append(before, found);
  append(before, after.size() > 0 ? Result<TokenBuffer>(std::move(after)) : TokenBuffer());
  return before;
}

Result<TokenBuffer> LlamaModel::Tokenize(std::string_view text, bool first,
                                         bool with_control) const {
  TokenBuffer tokens;
  if (text.size() > kMaxTextBytes) {
    return Fail(ErrorCode::kTooLarge, "text of " + std::to_string(text.size()) +
                                          " bytes, the limit is " + std::to_string(kMaxTextBytes));
  }
  if (text.empty() && !first) {
    return tokens;
  }
  // A token has at least one byte, plus those that begin and end a text.
  Plaintext room = Plaintext::Zeroed((text.size() + 8) * sizeof(llama_token));
  auto* ids = reinterpret_cast<llama_token*>(room.mutable_bytes().data());
  std::int32_t count = 0;
  try {
    count = ::llama_tokenize(vocab_, text.data(), static_cast<std::int32_t>(text.size()), ids,
                             static_cast<std::int32_t>(text.size() + 8), first, with_control);
  } catch (const std::exception&) {
    count = -1;
  }
  if (count < 0) {
    return Fail(ErrorCode::kInvalidArgument, "the text cannot be tokenised for this model");
  }
  for (std::int32_t i = 0; i < count; ++i) {
    tokens.Append(ids[i]);
  }
  return tokens;
}

Plaintext LlamaModel::Piece(std::int32_t token, bool with_control) const {
  const std::string_view bytes = TokenBytes(token);
  if (bytes.empty() && with_control) {
    return Plaintext::Copy(TokenText(token));
  }
  return Plaintext::Copy(bytes);
}

std::string LlamaModel::chat_template() const {
  const char* text = ::llama_model_chat_template(model_.get(), nullptr);
  return text == nullptr ? std::string() : std::string(text);
}

std::string LlamaModel::TokenText(std::int32_t token) const {
  if (token == LLAMA_TOKEN_NULL) {
    return {};
  }
  const char* text = ::llama_vocab_get_text(vocab_, token);
  return text == nullptr ? std::string() : std::string(text);
}
std::string LlamaModel::begin_text() const { return TokenText(::llama_vocab_bos(vocab_)); }
std::string LlamaModel::end_text() const { return TokenText(::llama_vocab_eos(vocab_)); }

}  // namespace casemate::inference
