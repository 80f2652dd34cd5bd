#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "base/bytes.h"
#include "base/error.h"

namespace casemate {

inline constexpr std::size_t kKeySize = 32;  // bytes: every symmetric key and seed of ours

// 32 secret bytes on loan. No formatter, logger or writer accepts it.
class KeyView {
 public:
  explicit constexpr KeyView(std::span<const std::byte, kKeySize> bytes) : bytes_(bytes) {}
  // For the one call into a cipher, KDF or MAC.
  constexpr std::span<const std::byte, kKeySize> RevealKey() const { return bytes_; }

 private:
  std::span<const std::byte, kKeySize> bytes_;
};

// Owns one 32-byte key in the process's locked arena: pages locked in RAM, out of core dumps,
// memfd_secret(2) where the kernel has it; zeroed before the slot is used again. The arena is sized
// for the usual RLIMIT_MEMLOCK of 8 MiB: 4 MiB, 131,072 keys. Move-only; a moved-from key must not
// be read. Threads: const members at the same time; anything else needs outside ordering.
class Key {
 public:
  // 32 bytes from the kernel's random source. Errors: kResourceExhausted: the arena is full or
  // could not be locked.
  [[nodiscard]] static Result<Key> Random();
  // Zero bytes, to be filled through mutable_bytes. Errors: as Random.
  [[nodiscard]] static Result<Key> Zeroed();
  // Copies `source` (exactly 32 bytes) in, then zeroes it. Errors: kInvalidArgument (source is left
  // alone), else as Random.
  [[nodiscard]] static Result<Key> TakeFrom(std::span<std::byte> source);
  [[nodiscard]] static Result<Key> Copy(KeyView other);

  Key(Key&& other) noexcept;
  Key& operator=(Key&& other) noexcept;
  ~Key();

  KeyView view() const { return KeyView(std::span<const std::byte, kKeySize>(data_, kKeySize)); }
  operator KeyView() const { return view(); }  // NOLINT(google-explicit-constructor)
  std::span<std::byte, kKeySize> mutable_bytes() {
    return std::span<std::byte, kKeySize>(data_, kKeySize);
  }

 private:
  explicit Key(std::byte* data) : data_(data) {}
  void Release();
  std::byte* data_ = nullptr;  // a slot of the arena; nullptr once moved from
};

}  // namespace casemate
