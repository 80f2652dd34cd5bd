#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

struct llama_model;
struct llama_vocab;

namespace casemate::inference {

// One model's weights and vocabulary, read from a file descriptor: a sealed memfd, whose pages stay
// the weights' memory (they are mapped, not copied). All of libllama's model functions are called
// here. LoadBackends comes first. Threads: const members may run at the same time.
class LlamaModel {
 public:
  // Checks the metadata (CheckGguf), then loads with every tensor's data checked. The descriptor
  // stays the caller's. Errors: kInvalidArgument: damaged, or of a kind that libllama does not
  // know; kUnavailable.
  [[nodiscard]] static Result<LlamaModel> Load(int fd);

  std::uint32_t trained_context() const;  // tokens
  std::uint32_t dimensions() const;       // of an embedding
  std::uint32_t vocabulary_size() const;
  // Threads to compute with on this machine: one for each 64 MiB of weights begun, no more than
  // there are cores. The steps of a small model are so short that threads cost more in waiting for
  // each other than they save: measured tenfold on two busy cores with a model of 7 MB.
  std::uint32_t default_threads() const;
  bool is_end(std::int32_t token) const;  // of a turn or of the text
  // A cross-encoder that scores a query and a document (pooling "rank").
  bool is_reranker() const;
  // Whether a sequence's last tokens can be taken back: not from a recurrent memory.
  bool can_trim() const;

  // The tokens of what somebody wrote: text that looks like a control token ("<|im_end|>") stays
  // text. Errors: kInvalidArgument: not tokenisable; kTooLarge: over 16 MiB.
  [[nodiscard]] Result<TokenBuffer> TokenizeContent(PlaintextView text) const;
  // The tokens of a text to embed, with those that the model wants before and after one ([CLS],
  // [SEP]), which stay where it is cut: at most `limit`, 2 or more. `whole`: how many there were
  // before. No tokens: the text has none. Errors: as TokenizeContent.
  [[nodiscard]] Result<TokenBuffer> TokenizeText(PlaintextView text, std::size_t limit,
                                                 std::size_t& whole) const;
  // The tokens of a piece of the chat template, in which control tokens are meant. `first`: the
  // prompt begins with it, so that the token that begins a text is added if the model wants it.
  [[nodiscard]] Result<TokenBuffer> TokenizeTemplate(std::string_view text, bool first) const;
  // A query and a document for a reranking model: in the model's own template named "rerank", or
  // between its begin, end and separator tokens. The document is cut where more than `limit` tokens
  // would come of it. Errors: as TokenizeContent; kTooLarge: the query leaves no room.
  [[nodiscard]] Result<TokenBuffer> TokenizePair(PlaintextView query, PlaintextView document,
                                                 std::size_t limit) const;
  // The bytes of one token, not always whole characters; empty for control tokens, unless
  // `with_control` asks for their spelling ("[TOOL_CALLS]").
  Plaintext Piece(std::int32_t token, bool with_control = false) const;
  // The same, from the vocabulary: which token is meant is plaintext, what it stands for is not.
  std::string_view TokenBytes(std::int32_t token) const {
    return pieces_[static_cast<std::size_t>(token)];
  }

  // The model's own chat template (Jinja); empty when it has none.
  std::string chat_template() const;
  std::string begin_text() const;  // spelling of the token that begins a text, or empty
  std::string end_text() const;

  // For the other classes of this folder.
  llama_model* get() const { return model_.get(); }
  const llama_vocab* vocabulary() const { return vocab_; }

 private:
  struct Free {
    void operator()(llama_model* model) const;
  };
  explicit LlamaModel(llama_model* model);
  [[nodiscard]] Result<TokenBuffer> Tokenize(std::string_view text, bool first,
                                             bool with_control) const;
  std::string TokenText(std::int32_t token) const;

  std::unique_ptr<llama_model, Free> model_;
  const llama_vocab* vocab_;         // of model_
  std::vector<std::string> pieces_;  // of the vocabulary, by token
};

}  // namespace casemate::inference
