#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/error.h"
#include "retrieval/messages.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

struct ChunkOptions {
  // The shipped model was trained on passages of a few sentences within 320 tokens.
  std::uint32_t target_tokens = 64;  // sentences are put together up to this
  std::uint32_t max_tokens = 80;     // no chunk is longer
  std::uint32_t max_chunks = 50'000;
};

struct Chunk {
  Plaintext heading;        // path of headings above it, " > " between; may be empty
  Plaintext text;           // ParsedDocument::text from begin to end
  std::uint32_t begin = 0;  // UTF-8 byte offsets
  std::uint32_t end = 0;
  std::uint32_t tokens = 0;  // as counted, at most max_tokens
  std::uint32_t page = 0;    // from 1; 0: the document has none
};

// Tokens of each text, in order. Called with many texts at a time, a few times a document.
using TokenCounter =
    std::function<Result<std::vector<std::uint32_t>>(const std::vector<PlaintextView>&)>;

// Cuts a document at headings, blocks, sentences and (code, tables) lines, so that every chunk
// stays within one section, one page and max_tokens. A sentence that is too long alone is cut
// between words, a word between characters; never inside a UTF-8 character. A heading with nothing
// under it is a chunk of its own. Deterministic.
//
// Errors: kInvalidArgument: the document's blocks are out of order, outside its text or cut a
// character (a parser process is not trusted); no text at all ("empty document"). kTooLarge: more
// than max_chunks. Else those of `count`.
[[nodiscard]] Result<std::vector<Chunk>> ChunkDocument(const ParsedDocument& document,
                                                       const ChunkOptions& options,
                                                       const TokenCounter& count);

}  // namespace casemate::retrieval
