#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/gcm_internal.h"
#include "crypto/seal.h"

// The parts of C2SP chunked-encryption that sealing and opening share.
namespace casemate::crypto::internal {

inline constexpr std::size_t kSealSaltSize = 24;
inline constexpr std::size_t kCommitmentSize = 32;
inline constexpr std::size_t kSealedChunkSize = kSealChunkSize + kSealTagSize;
inline constexpr std::size_t kSizeFieldSize = 8;
// 2^38 chunks, the last one shorter: the specification's limit.
inline constexpr std::uint64_t kMaxMessageSize = (std::uint64_t{1} << 52) - 1;

// How many plaintext bytes a sealed object of `sealed_size` holds, or nothing when no message has
// that sealed size.
std::optional<std::uint64_t> MessageSize(std::uint64_t sealed_size);
inline std::uint64_t LastChunk(std::uint64_t message_size) { return message_size / kSealChunkSize; }
inline std::uint64_t SealedChunkOffset(std::uint64_t chunk) {
  return kSealHeaderSize + (chunk * kSealedChunkSize);
}

// What an honest sealer writes as the size of a message with a size field: the inverse of
// SealedPaddedSize in terms of messages. False: refuse the object.
bool SizeFieldFits(std::uint64_t content_size, std::uint64_t message_size);

// The AEAD key and base nonce of one message. Threads: one at a time.
class ChunkCipher {
 public:
  using Header = std::array<std::byte, kSealHeaderSize>;
  using Salt = std::span<const std::byte, kSealSaltSize>;

  // Derives the keys for a salt that was never used with `key`, and writes `header`. Errors:
  // kInvalidArgument: context over 32 KiB less 72 bytes.
  [[nodiscard]] static Result<ChunkCipher> ForSealing(KeyView key, ByteView context, Salt salt,
                                                      Header& header);
  // Errors: kIntegrityFailure: the commitment says other key or context. kInvalidArgument: as
  // ForSealing.
  [[nodiscard]] static Result<ChunkCipher> ForOpening(KeyView key, ByteView context,
                                                      std::span<const std::byte, kSealHeaderSize>);

  // One chunk in pieces, each of which is written as it comes; then its tag.
  void BeginChunk(std::uint64_t chunk) { gcm_.BeginSeal(NonceOf(chunk)); }
  void SealPiece(ByteView plaintext, std::span<std::byte> out) {
    gcm_.ContinueSeal(plaintext, out);
  }
  void EndChunk(std::span<std::byte, kSealTagSize> tag) { gcm_.EndSeal(tag); }
  // `sealed` has a tag at least. False: does not verify.
  [[nodiscard]] bool OpenChunk(std::uint64_t chunk, ByteView sealed, std::span<std::byte> out);

 private:
  using Nonce = std::array<std::byte, kGcmNonceSize>;
  ChunkCipher(Gcm gcm, const Nonce& base_nonce) : gcm_(std::move(gcm)), base_nonce_(base_nonce) {}
  [[nodiscard]] static Result<ChunkCipher> Derive(KeyView key, ByteView context, Salt salt,
                                                  Gcm::Direction direction,
                                                  std::span<std::byte, kCommitmentSize> commitment);
  Nonce NonceOf(std::uint64_t chunk) const;

  Gcm gcm_;
  Nonce base_nonce_;
};

// Cuts a message into chunks and seals what it gets as it comes: nothing is held back or copied.
class ChunkWriter {
 public:
  // Errors: as ChunkCipher::ForSealing.
  [[nodiscard]] static Result<ChunkWriter> Begin(KeyView key, ByteView context, Bytes& out);
  [[nodiscard]] static Result<ChunkWriter> BeginWithSalt(KeyView key, ByteView context,
                                                         ChunkCipher::Salt salt, Bytes& out);
  void Append(ByteView part, Bytes& out);
  void AppendZeros(std::uint64_t count, Bytes& out);
  void Finish(Bytes& out);  // once

 private:
  explicit ChunkWriter(ChunkCipher cipher) : cipher_(std::move(cipher)) {
    cipher_.BeginChunk(next_chunk_);
  }
  void EndChunk(Bytes& out);

  ChunkCipher cipher_;            // always in the middle of a chunk, until Finish
  std::size_t chunk_size_ = 0;    // bytes of it so far: less than a whole one
  std::uint64_t next_chunk_ = 0;  // the number of that chunk
};

}  // namespace casemate::crypto::internal
