#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "secmem/key.h"
#include "secmem/plaintext.h"

// Cobblestone-256: C2SP chunked-encryption (https://c2sp.org/chunked-encryption) with SHA-512 and
// AES-256-GCM. salt(24) || commitment(32) || chunks of 16 KiB, the last one shorter, possibly
// empty; each chunk has a tag of 16 bytes. Key-committing, seekable; `context` (public, at most
// 32 KiB less 72 bytes) is bound. docs/formats/seal.md says which context each kind of object has.
namespace casemate::crypto {

inline constexpr std::size_t kSealHeaderSize = 24 + 32;
inline constexpr std::size_t kSealChunkSize = std::size_t{16} * 1024;  // plaintext bytes
inline constexpr std::size_t kSealTagSize = 16;

// Sizes are padded before sealing (Padmé, PURBs, PETS 2019: at most 12 % more, 8 bytes at least),
// and the true size is put before the padding: u64 big-endian || content || zeros. Raw functions
// leave that out.
std::uint64_t PadmeSize(std::uint64_t size);
std::uint64_t SealedSize(std::uint64_t plaintext_size);        // raw
std::uint64_t SealedPaddedSize(std::uint64_t plaintext_size);  // with the size field and padding

// Whole objects in memory.
[[nodiscard]] Result<Bytes> Seal(KeyView key, ByteView context, PlaintextView plaintext);
// Errors: kIntegrityFailure: wrong key or context, or a changed, cut or lengthened object.
[[nodiscard]] Result<Plaintext> Open(KeyView key, ByteView context, ByteView sealed);
[[nodiscard]] Result<Bytes> SealRaw(KeyView key, ByteView context, PlaintextView plaintext);
[[nodiscard]] Result<Plaintext> OpenRaw(KeyView key, ByteView context, ByteView sealed);

// Seals a stream with bounded memory; the total size must be known first (it is padded).
class SealWriter {
 public:
  [[nodiscard]] static Result<SealWriter> Begin(KeyView key, ByteView context,
                                                std::uint64_t plaintext_size);
  SealWriter(SealWriter&&) noexcept;
  SealWriter& operator=(SealWriter&&) noexcept;
  ~SealWriter();
  // Appends sealed bytes to `out`, which the caller drains between calls. Errors: kInvalidArgument:
  // more bytes than announced.
  [[nodiscard]] Result<void> Write(PlaintextView part, Bytes& out);
  // Errors: kInvalidArgument: fewer bytes than announced.
  [[nodiscard]] Result<void> Finish(Bytes& out);

 private:
  struct State;
  explicit SealWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Where sealed bytes come from: a file, a blob, memory.
class SealSource {
 public:
  virtual ~SealSource() = default;
  virtual std::uint64_t size() const = 0;
  [[nodiscard]] virtual Result<void> ReadAt(std::uint64_t offset, std::span<std::byte> out) = 0;
};

// Opens any range of a sealed object; only the chunks that hold it are read and checked. Begin
// checks the commitment, the last chunk and the size field, so that truncation is found at once.
// Threads: one at a time.
class SealReader {
 public:
  [[nodiscard]] static Result<SealReader> Begin(KeyView key, ByteView context,
                                                std::unique_ptr<SealSource> source);
  SealReader(SealReader&&) noexcept;
  SealReader& operator=(SealReader&&) noexcept;
  ~SealReader();
  std::uint64_t size() const;  // plaintext bytes, without padding
  // Errors: kInvalidArgument: past the end. kIntegrityFailure.
  [[nodiscard]] Result<Plaintext> Read(std::uint64_t offset, std::size_t length);

 private:
  struct State;
  explicit SealReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace casemate::crypto
