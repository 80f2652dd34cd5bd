#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "inference/client/room_client.h"
#include "retrieval/chunker.h"
#include "retrieval/messages.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

// One document in a fresh parser process.
using Parser = std::function<Result<ParsedDocument>(const ParseDocument&)>;

// A document made searchable.
struct Prepared {
  Plaintext title;
  std::vector<Chunk> chunks;
  std::string model;  // that made the vectors; empty: there are none
  std::uint32_t dimensions = 0;
  Plaintext vectors;  // one a chunk
};

// Bytes to chunks and vectors: format, parser, token counts, embeddings. Holds no key. Threads:
// Prepare may run many times at once.
class Pipeline {
 public:
  struct Options {
    std::string chat_model;       // whose tokens are counted
    std::string embedding_model;  // empty: keywords only
    ChunkOptions chunk;
  };
  Pipeline(inference::RoomDirectory& rooms, Parser parser, Options options)
      : rooms_(rooms), parser_(std::move(parser)), options_(std::move(options)) {}

  // Errors: about the document: kInvalidArgument, kTooLarge, kDeadlineExceeded. kUnavailable: a
  // process died or cannot start.
  [[nodiscard]] Result<Prepared> Prepare(PlaintextView name, PlaintextView content) const;
  // One vector, of the embedding model.
  [[nodiscard]] Result<inference::EmbedReply> EmbedQuery(PlaintextView query) const;
  bool embeds() const { return !options_.embedding_model.empty(); }
  const std::string& embedding_model() const { return options_.embedding_model; }
  // Whatever changes what Prepare makes of the same bytes.
  std::string Fingerprint() const;

 private:
  [[nodiscard]] Result<void> EmbedChunks(Prepared& prepared) const;

  inference::RoomDirectory& rooms_;
  Parser parser_;
  Options options_;
};

}  // namespace casemate::retrieval
