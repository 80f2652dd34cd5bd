#include <algorithm>
#include <array>
#include <string>

#include "crypto/seal.h"
#include "crypto/seal_chunks_internal.h"

namespace casemate::crypto {

using internal::ChunkCipher;
using internal::ChunkWriter;
using internal::kSealedChunkSize;
using internal::kSizeFieldSize;

struct SealWriter::State {
  ChunkWriter chunks;
  Bytes begun;            // header and what the size field gave, until the first call takes it
  std::uint64_t missing;  // content bytes announced and not yet written
  std::uint64_t padding;  // zero bytes after the content
  bool finished = false;
};

SealWriter::SealWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
SealWriter::SealWriter(SealWriter&&) noexcept = default;
SealWriter& SealWriter::operator=(SealWriter&&) noexcept = default;
SealWriter::~SealWriter() = default;

Result<SealWriter> SealWriter::Begin(KeyView key, ByteView context, std::uint64_t plaintext_size) {
  // Compared before padding, which could overflow: 2^52 less an eighth leaves room for it.
  if (plaintext_size > internal::kMaxMessageSize - (internal::kMaxMessageSize / 8)) {
    return Fail(ErrorCode::kTooLarge, "object to seal is over 3.5 PiB");
  }
  Bytes begun;
  Result<ChunkWriter> chunks = ChunkWriter::Begin(key, context, begun);
  if (!chunks) {
    return std::unexpected(chunks.error());
  }
  Bytes size_field;
  PutU64(size_field, plaintext_size);
  chunks->Append(size_field, begun);
  const std::uint64_t padding =
      PadmeSize(kSizeFieldSize + plaintext_size) - kSizeFieldSize - plaintext_size;
  return SealWriter(std::unique_ptr<State>(new State{.chunks = std::move(*chunks),
                                                     .begun = std::move(begun),
                                                     .missing = plaintext_size,
                                                     .padding = padding}));
}

Result<void> SealWriter::Write(PlaintextView part, Bytes& out) {
  if (state_->finished || part.size() > state_->missing) {
    return Fail(
        ErrorCode::kInvalidArgument, "more bytes than announced",
        std::to_string(part.size()) + " more, " + std::to_string(state_->missing) + " expected");
  }
  Put(out, state_->begun);
  state_->begun.clear();
  state_->chunks.Append(part.RevealBytes(), out);
  state_->missing -= part.size();
  return {};
}

Result<void> SealWriter::Finish(Bytes& out) {
  if (state_->finished || state_->missing > 0) {
    return Fail(ErrorCode::kInvalidArgument, "fewer bytes than announced",
                std::to_string(state_->missing) + " missing");
  }
  Put(out, state_->begun);
  state_->begun.clear();
  state_->chunks.AppendZeros(state_->padding, out);
  state_->chunks.Finish(out);
  state_->finished = true;
  return {};
}

struct SealReader::State {
  ChunkCipher cipher;
  std::unique_ptr<SealSource> source;
  std::uint64_t message_size;
  std::uint64_t size = 0;                   // content bytes
  std::optional<std::uint64_t> open_chunk;  // the one in `opened`: reading on often starts there
  Plaintext opened;
  Bytes sealed;  // of one chunk, kept for its memory

  Result<ByteView> OpenChunk(std::uint64_t chunk);
};

// The plaintext of one chunk, valid until the next call.
Result<ByteView> SealReader::State::OpenChunk(std::uint64_t chunk) {
  if (open_chunk != chunk) {
    const std::uint64_t begin = chunk * kSealChunkSize;
    const std::size_t content =
        static_cast<std::size_t>(std::min<std::uint64_t>(kSealChunkSize, message_size - begin));
    open_chunk.reset();
    if (opened.size() != content) {  // the last chunk; else what it held is overwritten whole
      opened = Plaintext::Zeroed(content);
    }
    sealed.resize(content + kSealTagSize);
    if (auto read = source->ReadAt(internal::SealedChunkOffset(chunk), sealed); !read) {
      return std::unexpected(read.error());
    }
    if (!cipher.OpenChunk(chunk, sealed, opened.mutable_bytes())) {
      return Fail(ErrorCode::kIntegrityFailure, "sealed object does not verify",
                  "chunk " + std::to_string(chunk));
    }
    open_chunk = chunk;
  }
  return opened.view().RevealBytes();
}

SealReader::SealReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
SealReader::SealReader(SealReader&&) noexcept = default;
SealReader& SealReader::operator=(SealReader&&) noexcept = default;
SealReader::~SealReader() = default;
std::uint64_t SealReader::size() const { return state_->size; }

Result<SealReader> SealReader::Begin(KeyView key, ByteView context,
                                     std::unique_ptr<SealSource> source) {
  const auto message_size = internal::MessageSize(source->size());
  if (!message_size || *message_size < kSizeFieldSize) {
    return Fail(ErrorCode::kIntegrityFailure, "sealed object does not verify",
                "no object has a size of " + std::to_string(source->size()) + " bytes");
  }
  ChunkCipher::Header header;
  if (auto read = source->ReadAt(0, header); !read) {
    return std::unexpected(read.error());
  }
  Result<ChunkCipher> cipher = ChunkCipher::ForOpening(key, context, header);
  if (!cipher) {
    return std::unexpected(cipher.error());
  }
  std::unique_ptr<State> state(new State{.cipher = std::move(*cipher),
                                         .source = std::move(source),
                                         .message_size = *message_size,
                                         .open_chunk = {},
                                         .opened = {},
                                         .sealed = {}});
  // The last chunk's number is in its nonce: that it opens proves the length.
  if (auto last = state->OpenChunk(internal::LastChunk(*message_size)); !last) {
    return std::unexpected(last.error());
  }
  Result<ByteView> first = state->OpenChunk(0);
  if (!first) {
    return std::unexpected(first.error());
  }
  state->size = GetU64(*first);
  if (!internal::SizeFieldFits(state->size, *message_size)) {
    return Fail(ErrorCode::kIntegrityFailure, "sealed object does not verify",
                "size field does not fit the object's size");
  }
  return SealReader(std::move(state));
}

Result<Plaintext> SealReader::Read(std::uint64_t offset, std::size_t length) {
  if (offset > state_->size || length > state_->size - offset) {
    return Fail(ErrorCode::kInvalidArgument, std::to_string(length) + " bytes at offset " +
                                                 std::to_string(offset) + " of an object of " +
                                                 std::to_string(state_->size));
  }
  Plaintext out;
  out.Reserve(length);
  for (std::uint64_t at = offset + kSizeFieldSize; out.size() < length;) {
    Result<ByteView> chunk = state_->OpenChunk(at / kSealChunkSize);
    if (!chunk) {
      return std::unexpected(chunk.error());
    }
    const ByteView from = chunk->subspan(static_cast<std::size_t>(at % kSealChunkSize));
    const std::size_t take = std::min(from.size(), length - out.size());
    out.Append(PlaintextView::Of(from.first(take)));
    at += take;
  }
  return out;
}

}  // namespace casemate::crypto
