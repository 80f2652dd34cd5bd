#include "crypto/seal.h"

#include <algorithm>
#include <bit>

#include "crypto/seal_chunks_internal.h"

namespace casemate::crypto {
namespace {

using internal::ChunkCipher;
using internal::ChunkWriter;
using internal::kSizeFieldSize;

std::unexpected<Error> Broken(std::string detail) {
  return Fail(ErrorCode::kIntegrityFailure, "sealed object does not verify", std::move(detail));
}

std::unexpected<Error> TooLarge() {
  return Fail(ErrorCode::kTooLarge, "object to seal is over 4 PiB");
}

// Opens the chunks of a message one after the other and hands each to `take`.
template <typename Take>
Result<void> OpenChunks(KeyView key, ByteView context, ByteView sealed, std::uint64_t message_size,
                        Take take) {
  Result<ChunkCipher> cipher =
      ChunkCipher::ForOpening(key, context, sealed.first<kSealHeaderSize>());
  if (!cipher) {
    return std::unexpected(cipher.error());
  }
  Plaintext scratch = Plaintext::Zeroed(
      static_cast<std::size_t>(std::min<std::uint64_t>(message_size, kSealChunkSize)));
  for (std::uint64_t chunk = 0; chunk <= internal::LastChunk(message_size); ++chunk) {
    const ByteView body =
        sealed.subspan(static_cast<std::size_t>(internal::SealedChunkOffset(chunk)));
    const ByteView one = body.first(std::min(body.size(), internal::kSealedChunkSize));
    const std::span<std::byte> opened = scratch.mutable_bytes().first(one.size() - kSealTagSize);
    if (!cipher->OpenChunk(chunk, one, opened)) {
      return Broken("chunk " + std::to_string(chunk));
    }
    if (Result<void> taken = take(ByteView(opened)); !taken) {
      return taken;
    }
  }
  return {};
}

}  // namespace

std::uint64_t PadmeSize(std::uint64_t size) {
  if (size <= 8) {
    return 8;
  }
  // Keep the highest floor(log2(floor(log2 size))) + 1 bits below the leading one; round up.
  const unsigned exponent = static_cast<unsigned>(std::bit_width(size)) - 1;
  const unsigned kept = static_cast<unsigned>(std::bit_width(exponent));
  const std::uint64_t mask = (std::uint64_t{1} << (exponent - kept)) - 1;
  return (size + mask) & ~mask;
}

std::uint64_t SealedSize(std::uint64_t plaintext_size) {
  return kSealHeaderSize + plaintext_size +
         ((internal::LastChunk(plaintext_size) + 1) * kSealTagSize);
}

std::uint64_t SealedPaddedSize(std::uint64_t plaintext_size) {
  return SealedSize(PadmeSize(kSizeFieldSize + plaintext_size));
}

Result<Bytes> SealRaw(KeyView key, ByteView context, PlaintextView plaintext) {
  if (plaintext.size() > internal::kMaxMessageSize) {
    return TooLarge();
  }
  Bytes sealed;
  sealed.reserve(static_cast<std::size_t>(SealedSize(plaintext.size())));
  Result<ChunkWriter> writer = ChunkWriter::Begin(key, context, sealed);
  if (!writer) {
    return std::unexpected(writer.error());
  }
  writer->Append(plaintext.RevealBytes(), sealed);
  writer->Finish(sealed);
  return sealed;
}

Result<Bytes> Seal(KeyView key, ByteView context, PlaintextView plaintext) {
  Bytes sealed;
  Result<SealWriter> writer = SealWriter::Begin(key, context, plaintext.size());
  if (!writer) {
    return std::unexpected(writer.error());
  }
  sealed.reserve(static_cast<std::size_t>(SealedPaddedSize(plaintext.size())));
  Result<void> done = writer->Write(plaintext, sealed);
  if (done) {
    done = writer->Finish(sealed);
  }
  if (!done) {
    return std::unexpected(done.error());
  }
  return sealed;
}

Result<Plaintext> OpenRaw(KeyView key, ByteView context, ByteView sealed) {
  const auto message_size = internal::MessageSize(sealed.size());
  if (!message_size) {
    return Broken("no object has a size of " + std::to_string(sealed.size()) + " bytes");
  }
  Plaintext opened;
  opened.Reserve(static_cast<std::size_t>(*message_size));
  auto done = OpenChunks(key, context, sealed, *message_size, [&](ByteView chunk) -> Result<void> {
    opened.Append(PlaintextView::Of(chunk));
    return {};
  });
  if (!done) {
    return std::unexpected(done.error());
  }
  return opened;
}

Result<Plaintext> Open(KeyView key, ByteView context, ByteView sealed) {
  const auto message_size = internal::MessageSize(sealed.size());
  if (!message_size || *message_size < kSizeFieldSize) {
    return Broken("no object has a size of " + std::to_string(sealed.size()) + " bytes");
  }
  Plaintext opened;
  std::uint64_t wanted = 0;
  bool first = true;
  auto take = [&](ByteView chunk) -> Result<void> {
    if (first) {
      first = false;
      wanted = GetU64(chunk);
      if (!internal::SizeFieldFits(wanted, *message_size)) {
        return Broken("size field does not fit the object's size");
      }
      opened.Reserve(static_cast<std::size_t>(wanted));
      chunk = chunk.subspan(kSizeFieldSize);
    }
    const std::size_t content =
        static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), wanted - opened.size()));
    opened.Append(PlaintextView::Of(chunk.first(content)));
    if (std::ranges::any_of(chunk.subspan(content),
                            [](std::byte b) { return b != std::byte{0}; })) {
      return Broken("padding is not zero");
    }
    return {};
  };
  if (auto done = OpenChunks(key, context, sealed, *message_size, take); !done) {
    return std::unexpected(done.error());
  }
  return opened;
}

}  // namespace casemate::crypto
