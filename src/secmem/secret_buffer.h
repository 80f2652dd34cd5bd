#pragma once

#include <cstddef>
#include <span>

#include "base/bytes.h"
#include "base/error.h"

namespace casemate {

// Owns the bytes of one secret that is not 32 bytes: a PIN, a passphrase, a private key in DER, an
// opened tree node. The bytes sit in pages of their own, locked in RAM (mlock(2)) and left out of
// core dumps (MADV_DONTDUMP), and are zeroed before the pages go back. Size is public, content is
// not. Move-only; a moved-from buffer is empty. Threads: const members may run at the same time;
// anything else needs outside ordering.
class SecretBuffer {
 public:
  static constexpr std::size_t kMaxSize = std::size_t{64} * 1024;  // bytes

  // Returns `size` zero bytes, 1 <= size <= kMaxSize. Costs whole pages: 4 KiB for a 32-byte key.
  // Errors: kInvalidArgument: `size` out of range. kResourceExhausted: the kernel will not map,
  // lock or mark the pages (RLIMIT_MEMLOCK, getrlimit(2)).
  [[nodiscard]] static Result<SecretBuffer> Allocate(std::size_t size);

  // Copies `source` in, then zeroes it; on error leaves it alone. Errors: as Allocate.
  [[nodiscard]] static Result<SecretBuffer> TakeFrom(std::span<std::byte> source);

  SecretBuffer(SecretBuffer&& other) noexcept;
  SecretBuffer& operator=(SecretBuffer&& other) noexcept;
  ~SecretBuffer();

  // Views are valid until this buffer is moved from or destroyed.
  ByteView RevealBytes() const { return {data_, size_}; }
  std::span<std::byte> mutable_bytes() { return {data_, size_}; }
  std::size_t size() const { return size_; }

  // Compares in time that depends on the sizes only.
  [[nodiscard]] bool EqualsConstantTime(ByteView other) const;

 private:
  SecretBuffer(std::byte* data, std::size_t size) : data_(data), size_(size) {}
  void Release();

  std::byte* data_;   // start of the mapping; nullptr once moved from
  std::size_t size_;  // bytes asked for; the mapping rounds up to whole pages
};

}  // namespace casemate
