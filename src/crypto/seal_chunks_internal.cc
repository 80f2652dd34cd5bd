#include "crypto/seal_chunks_internal.h"

#include <algorithm>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/kdf_internal.h"

namespace casemate::crypto::internal {
namespace {

constexpr std::string_view kInfoPrefix = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM";

}  // namespace

std::optional<std::uint64_t> MessageSize(std::uint64_t sealed_size) {
  if (sealed_size < kSealHeaderSize) {
    return std::nullopt;
  }
  const std::uint64_t body = sealed_size - kSealHeaderSize;
  const std::uint64_t full_chunks = body / kSealedChunkSize;
  const std::uint64_t last = body % kSealedChunkSize;
  if (last < kSealTagSize) {  // the last chunk is missing, or cut within its tag
    return std::nullopt;
  }
  const std::uint64_t message = (full_chunks * kSealChunkSize) + (last - kSealTagSize);
  return message <= kMaxMessageSize ? std::optional(message) : std::nullopt;
}

bool SizeFieldFits(std::uint64_t content_size, std::uint64_t message_size) {
  return content_size <= message_size && message_size - content_size >= kSizeFieldSize &&
         PadmeSize(kSizeFieldSize + content_size) == message_size;
}

Result<ChunkCipher> ChunkCipher::Derive(KeyView key, ByteView context, Salt salt,
                                        Gcm::Direction direction,
                                        std::span<std::byte, kCommitmentSize> commitment) {
  Bytes info;
  info.reserve(kInfoPrefix.size() + 1 + kSealSaltSize + context.size());
  Put(info, AsBytes(kInfoPrefix));
  info.push_back(std::byte{0});
  Put(info, salt);
  Put(info, context);

  // key || base nonce || commitment. On the stack, because it lives for three lines and a locked
  // page costs two system calls; wiped below.
  std::array<std::byte, kKeySize + kGcmNonceSize + kCommitmentSize> derived;
  if (auto done = HkdfExpandInto(key, info, derived); !done) {
    return std::unexpected(done.error());
  }
  const std::span<const std::byte, derived.size()> all(derived);
  Gcm gcm(all.first<kKeySize>(), direction);
  Nonce base_nonce;
  std::ranges::copy(all.subspan<kKeySize, kGcmNonceSize>(), base_nonce.begin());
  std::ranges::copy(all.last<kCommitmentSize>(), commitment.begin());
  Wipe(derived);
  return ChunkCipher(std::move(gcm), base_nonce);
}

Result<ChunkCipher> ChunkCipher::ForSealing(KeyView key, ByteView context, Salt salt,
                                            Header& header) {
  std::ranges::copy(salt, header.begin());
  return Derive(key, context, salt, Gcm::Direction::kSeal,
                std::span(header).last<kCommitmentSize>());
}

Result<ChunkCipher> ChunkCipher::ForOpening(KeyView key, ByteView context,
                                            std::span<const std::byte, kSealHeaderSize> header) {
  std::array<std::byte, kCommitmentSize> commitment;
  Result<ChunkCipher> cipher =
      Derive(key, context, header.first<kSealSaltSize>(), Gcm::Direction::kOpen, commitment);
  if (!cipher) {
    return cipher;
  }
  if (!EqualConstantTime(commitment, header.last<kCommitmentSize>())) {
    return Fail(ErrorCode::kIntegrityFailure, "sealed object does not verify",
                "commitment: other key, other context, or a changed header");
  }
  return cipher;
}

ChunkCipher::Nonce ChunkCipher::NonceOf(std::uint64_t chunk) const {
  Nonce nonce = base_nonce_;
  for (std::size_t i = 0; i < sizeof(chunk); ++i) {
    nonce[nonce.size() - 1 - i] ^= static_cast<std::byte>(chunk >> (8 * i));
  }
  return nonce;
}

bool ChunkCipher::OpenChunk(std::uint64_t chunk, ByteView sealed, std::span<std::byte> out) {
  return gcm_.Open(NonceOf(chunk), {}, sealed, out);
}

Result<ChunkWriter> ChunkWriter::Begin(KeyView key, ByteView context, Bytes& out) {
  std::array<std::byte, kSealSaltSize> salt;
  FillRandom(salt);
  return BeginWithSalt(key, context, salt, out);
}

Result<ChunkWriter> ChunkWriter::BeginWithSalt(KeyView key, ByteView context,
                                               ChunkCipher::Salt salt, Bytes& out) {
  ChunkCipher::Header header;
  Result<ChunkCipher> cipher = ChunkCipher::ForSealing(key, context, salt, header);
  if (!cipher) {
    return std::unexpected(cipher.error());
  }
  Put(out, header);
  return ChunkWriter(std::move(*cipher));
}

void ChunkWriter::EndChunk(Bytes& out) {
  std::array<std::byte, kSealTagSize> tag;
  cipher_.EndChunk(tag);
  Put(out, tag);
  ++next_chunk_;
  chunk_size_ = 0;
}

void ChunkWriter::Append(ByteView part, Bytes& out) {
  while (!part.empty()) {
    const std::size_t take = std::min(part.size(), kSealChunkSize - chunk_size_);
    const std::size_t at = out.size();
    out.resize(at + take);
    cipher_.SealPiece(part.first(take), std::span(out).subspan(at));
    chunk_size_ += take;
    part = part.subspan(take);
    if (chunk_size_ == kSealChunkSize) {
      EndChunk(out);
      cipher_.BeginChunk(next_chunk_);
    }
  }
}

void ChunkWriter::AppendZeros(std::uint64_t count, Bytes& out) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  while (count > 0) {
    const std::size_t take =
        static_cast<std::size_t>(std::min<std::uint64_t>(count, kZeros.size()));
    Append(ByteView(kZeros).first(take), out);
    count -= take;
  }
}

void ChunkWriter::Finish(Bytes& out) { EndChunk(out); }

}  // namespace casemate::crypto::internal
