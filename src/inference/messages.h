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
  static void Fields(auto& m, auto& v) {
    v(m.role);
    v(m.content);
  }
};

struct Generate {
  static constexpr MessageType kType = MessageType::kGenerate;
  std::vector<ChatMessage> messages;  // rendered with the model's chat template
  std::uint32_t max_tokens = 0;       // 0: what the context has left
  float temperature = 1.0F;           // 0: greedy
  float top_p = 1.0F;                 // 0 < top_p <= 1
  std::uint64_t seed = 0;             // used when has_seed
  bool has_seed = false;
  std::vector<Plaintext> stop;  // at most 4, each 1 to 256 bytes; cut from the answer
  static void Fields(auto& m, auto& v) {
    v(m.messages);
    v(m.max_tokens);
    v(m.temperature);
    v(m.top_p);
    v(m.seed);
    v(m.has_seed);
    v(m.stop);
  }
};
struct GenerateStarted {
  static constexpr MessageType kType = MessageType::kGenerateStarted;
  std::uint32_t prompt_tokens = 0;
  static void Fields(auto& m, auto& v) { v(m.prompt_tokens); }
};
// Whole UTF-8 characters; what could be the start of a stop string is held back.
struct GenerateText {
  static constexpr MessageType kType = MessageType::kGenerateText;
  Plaintext text;
  std::uint32_t tokens = 0;
  static void Fields(auto& m, auto& v) {
    v(m.text);
    v(m.tokens);
  }
};
enum class FinishReason : std::uint8_t { kStop = 1, kLength = 2, kCancelled = 3 };
struct GenerateDone {
  static constexpr MessageType kType = MessageType::kGenerateDone;
  FinishReason reason = FinishReason::kStop;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t completion_tokens = 0;
  std::uint32_t prefill_us = 0;
  std::uint32_t decode_us = 0;
  static void Fields(auto& m, auto& v) {
    v(m.reason);
    v(m.prompt_tokens);
    v(m.completion_tokens);
    v(m.prefill_us);
    v(m.decode_us);
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
