#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/codec.h"
#include "ipc/matrix.h"

// What a keeper says to a room, and back.
namespace casemate::inference {

using ipc::MessageType;

struct ChatMessage {
  std::string role;  // "system", "user", "assistant", "tool"; checked by api/
  Plaintext content;
  Plaintext tool_calls;    // JSON array in OpenAI's form, of an assistant's message; or empty
  Plaintext tool_call_id;  // of a tool's message; or empty
  static void Fields(auto& m, auto& v) {
    v(m.role);
    v(m.content);
    v(m.tool_calls);
    v(m.tool_call_id);
  }
};

// Added to the logit of a token before anything else looks at it.
struct TokenBias {
  std::int32_t token = 0;
  float bias = 0;  // -100 to 100
  static void Fields(auto& m, auto& v) {
    v(m.token);
    v(m.bias);
  }
};

inline constexpr std::uint32_t kMaxChoices = 8;
inline constexpr std::uint32_t kMaxTopLogprobs = 20;

struct Generate {
  static constexpr MessageType kType = MessageType::kGenerate;
  std::vector<ChatMessage> messages;  // rendered with the model's chat template
  bool raw = false;              // no template: messages holds one message, its content the prompt
  Plaintext tools;               // JSON array in OpenAI's form, for the template; or empty
  std::uint32_t choices = 1;     // 1 to kMaxChoices answers to one prompt, prefilled once
  std::uint32_t max_tokens = 0;  // of each choice; 0: what the context has left
  float temperature = 1.0F;      // 0: greedy
  float top_p = 1.0F;            // 0 < top_p <= 1
  std::uint32_t top_k = 0;       // 0: all
  float min_p = 0.0F;            // 0 to 1; 0: off
  float frequency_penalty = 0;   // -2 to 2
  float presence_penalty = 0;    // -2 to 2
  std::uint64_t seed = 0;        // used when has_seed; choice i takes seed + i
  bool has_seed = false;
  bool logprobs = false;           // GenerateText carries one entry a token
  std::uint32_t top_logprobs = 0;  // 0 to kMaxTopLogprobs; needs logprobs
  std::vector<TokenBias> biases;   // at most 300
  std::vector<Plaintext> stop;     // at most 4, each 1 to 256 bytes; cut from the answer
  Plaintext grammar;  // GBNF that the answer must match (docs/formats/grammar.md); or empty
  std::vector<Plaintext> passages;  // verbatim quoting: whatever stands between quotation marks is
                                    // a span of passage n, and the [n] after it names it
                                    // (docs/formats/grammar.md); not with a grammar; or none
  bool quotes_only = false;  // with passages: the answer is nothing but quotations and their [n]
  bool speculate = true;     // prompt lookup; what is sampled does not change by it
  // Whose request it is among the tenant's principals: any number that stands for one of them. Free
  // sequences of the room go first to whoever has fewest.
  std::uint64_t share = 0;
  static void Fields(auto& m, auto& v) {
    v(m.messages);
    v(m.raw);
    v(m.tools);
    v(m.choices);
    v(m.max_tokens);
    v(m.temperature);
    v(m.top_p);
    v(m.top_k);
    v(m.min_p);
    v(m.frequency_penalty);
    v(m.presence_penalty);
    v(m.seed);
    v(m.has_seed);
    v(m.logprobs);
    v(m.top_logprobs);
    v(m.biases);
    v(m.stop);
    v(m.grammar);
    v(m.passages);
    v(m.quotes_only);
    v(m.speculate);
    v(m.share);
  }
};
struct GenerateStarted {
  static constexpr MessageType kType = MessageType::kGenerateStarted;
  std::uint32_t prompt_tokens = 0;
  static void Fields(auto& m, auto& v) { v(m.prompt_tokens); }
};

struct TopLogprob {
  Plaintext text;  // the token's bytes: not always whole characters
  float logprob = 0;
  static void Fields(auto& m, auto& v) {
    v(m.text);
    v(m.logprob);
  }
};
// Of the model's own distribution, before sampling parameters.
struct TokenLogprob {
  Plaintext text;
  float logprob = 0;
  std::vector<TopLogprob> top;
  static void Fields(auto& m, auto& v) {
    v(m.text);
    v(m.logprob);
    v(m.top);
  }
};
enum class FinishReason : std::uint8_t { kNone = 0, kStop = 1, kLength = 2, kCancelled = 3 };
// Whole UTF-8 characters; what could be the start of a stop string is held back.
struct GenerateText {
  static constexpr MessageType kType = MessageType::kGenerateText;
  Plaintext text;
  std::uint32_t tokens = 0;
  std::uint32_t choice = 0;
  std::vector<TokenLogprob> logprobs;         // when asked for
  FinishReason reason = FinishReason::kNone;  // else: this choice's last piece
  static void Fields(auto& m, auto& v) {
    v(m.text);
    v(m.tokens);
    v(m.choice);
    v(m.logprobs);
    v(m.reason);
  }
};
struct GenerateDone {
  static constexpr MessageType kType = MessageType::kGenerateDone;
  FinishReason reason = FinishReason::kStop;  // of the first choice
  std::uint32_t prompt_tokens = 0;
  std::uint32_t completion_tokens = 0;  // of all choices
  std::uint32_t prefill_us = 0;
  std::uint32_t decode_us = 0;
  std::uint32_t drafted_tokens = 0;   // proposed by prompt lookup
  std::uint32_t accepted_tokens = 0;  // of these
  static void Fields(auto& m, auto& v) {
    v(m.reason);
    v(m.prompt_tokens);
    v(m.completion_tokens);
    v(m.prefill_us);
    v(m.decode_us);
    v(m.drafted_tokens);
    v(m.accepted_tokens);
  }
};

// How well each document answers the query: by a reranking model (pooling "rank"), else by the
// cosine of the embeddings.
struct Rank {
  static constexpr MessageType kType = MessageType::kRank;
  Plaintext query;
  std::vector<Plaintext> documents;  // 1 to 1024
  static void Fields(auto& m, auto& v) {
    v(m.query);
    v(m.documents);
  }
};
struct RankReply {
  static constexpr MessageType kType = MessageType::kRankReply;
  std::vector<float> scores;  // one a document, in order
  std::uint32_t tokens = 0;
  static void Fields(auto& m, auto& v) {
    v(m.scores);
    v(m.tokens);
  }
};

// Texts over the model's context are cut at it (`truncated` counts them).
struct Embed {
  static constexpr MessageType kType = MessageType::kEmbed;
  std::vector<Plaintext> texts;  // 1 to 2048
  bool refuse_long = false;      // an over-long text is kTooLarge instead
  static void Fields(auto& m, auto& v) {
    v(m.texts);
    v(m.refuse_long);
  }
};
struct EmbedReply {
  static constexpr MessageType kType = MessageType::kEmbedReply;
  std::uint32_t dimensions = 0;
  Plaintext vectors;  // texts x dimensions float32, native order, each of unit length
  std::uint32_t tokens = 0;
  std::uint32_t truncated = 0;
  static void Fields(auto& m, auto& v) {
    v(m.dimensions);
    v(m.vectors);
    v(m.tokens);
    v(m.truncated);
  }
};

struct CountTokens {
  static constexpr MessageType kType = MessageType::kCountTokens;
  std::vector<Plaintext> texts;
  static void Fields(auto& m, auto& v) { v(m.texts); }
};
struct CountTokensReply {
  static constexpr MessageType kType = MessageType::kCountTokensReply;
  std::vector<std::uint32_t> tokens;  // one a text
  static void Fields(auto& m, auto& v) { v(m.tokens); }
};

}  // namespace casemate::inference
