#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "ipc/codec.h"
#include "policy/label.h"
#include "secmem/plaintext.h"

// What is inside the sealed parts of the store, written with the encoding of docs/formats/ipc.md:
// docs/formats/store.md. Each begins with its version.
namespace casemate::retrieval {

inline constexpr std::uint8_t kRecordVersion = 1;
inline constexpr std::uint8_t kChunksVersion = 2;  // 1: without pages; still read

struct FileMetadata {
  static constexpr std::uint8_t kNewestVersion = kRecordVersion;
  std::uint8_t version = kRecordVersion;
  Plaintext name;
  std::string purpose;
  std::uint64_t bytes = 0;
  policy::Label label = policy::kHighestLabel;
  static void Fields(auto& m, auto& v) {
    v(m.version);
    v(m.name);
    v(m.purpose);
    v(m.bytes);
    v(m.label);
  }
};

struct CollectionMetadata {
  static constexpr std::uint8_t kNewestVersion = kRecordVersion;
  std::uint8_t version = kRecordVersion;
  Plaintext name;
  policy::Label label = policy::kHighestLabel;
  static void Fields(auto& m, auto& v) {
    v(m.version);
    v(m.name);
    v(m.label);
  }
};

struct AttachmentMetadata {
  static constexpr std::uint8_t kNewestVersion = kRecordVersion;
  std::uint8_t version = kRecordVersion;
  FileId file;
  CollectionId collection;
  policy::Label label = policy::kHighestLabel;
  std::uint32_t chunks = 0;
  std::uint8_t failure = 0;  // an ErrorCode, or 0; its message may tell about the content
  std::string message;
  static void Fields(auto& m, auto& v) {
    v(m.version);
    v(m.file);
    v(m.collection);
    v(m.label);
    v(m.chunks);
    v(m.failure);
    v(m.message);
  }
};

struct StoredChunk {
  Plaintext heading;
  Plaintext text;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  static void Fields(auto& m, auto& v) {
    v(m.heading);
    v(m.text);
    v(m.begin);
    v(m.end);
  }
};

// Names file and collection, so that a row moved to another collection is found out.
struct ChunkSegment {
  static constexpr std::uint8_t kNewestVersion = kChunksVersion;
  std::uint8_t version = kChunksVersion;
  FileId file;
  CollectionId collection;
  std::uint32_t segments = 0;  // how many there are of this attachment: a missing one is noticed
  Plaintext name;              // of the file
  Plaintext title;
  std::vector<StoredChunk> chunks;
  std::vector<std::uint32_t> pages;  // one a chunk, from 1; empty: the document has none
  static void Fields(auto& m, auto& v) {
    v(m.version);
    v(m.file);
    v(m.collection);
    v(m.segments);
    v(m.name);
    v(m.title);
    v(m.chunks);
    if (m.version >= 2) {
      v(m.pages);
    }
  }
};

// The vectors of the chunks of the segment of the same number.
struct VectorSegment {
  static constexpr std::uint8_t kNewestVersion = kRecordVersion;
  std::uint8_t version = kRecordVersion;
  std::string model;
  std::uint32_t dimensions = 0;
  std::uint32_t count = 0;
  Plaintext vectors;  // count x dimensions float32, little-endian, unit length
  static void Fields(auto& m, auto& v) {
    v(m.version);
    v(m.model);
    v(m.dimensions);
    v(m.count);
    v(m.vectors);
  }
};

inline constexpr std::size_t kChunksPerSegment = 256;

}  // namespace casemate::retrieval
