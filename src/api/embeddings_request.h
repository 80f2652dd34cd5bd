#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "json/reader.h"
#include "secmem/plaintext.h"

namespace casemate::api {

inline constexpr std::size_t kMaxEmbeddingInputs = 2048;  // OpenAI's limit

// POST /v1/embeddings, checked.
struct EmbeddingsRequest {
  std::string model;
  std::vector<Plaintext> texts;  // 1 to kMaxEmbeddingInputs, none empty
  bool base64 = false;
  std::uint32_t dimensions = 0;  // 0: not asked for
  std::vector<std::string> ignored;
};

// Errors: kInvalidArgument, with the field's path.
[[nodiscard]] Result<EmbeddingsRequest> ParseEmbeddingsRequest(const json::Value& root);

}  // namespace casemate::api
