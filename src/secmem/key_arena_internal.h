#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "secmem/key.h"

namespace casemate::internal {

// Slots of kKeySize bytes in one locked mapping. The mapping is a memfd_secret(2) where the kernel
// offers it: its pages leave the kernel's own map too, so that no other process, whatever its
// rights, reads them. Else it is anonymous memory, locked page by page as it is touched
// (MLOCK_ONFAULT: an idle process pays for the pages that it uses). Pages are left out of core
// dumps and of forked children: a key does not survive fork(2). Threads: all members at any time.
class KeyArena {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{4} * 1024 * 1024;
  static constexpr std::size_t kMinBytes =
      std::size_t{256} * 1024;  // 8192 keys: less would not serve a tenant

  enum class Backing : unsigned char { kMemfdSecret, kLockedAnonymous };

  // The largest of kMaxBytes, a half of it, ... kMinBytes that the kernel will lock. Errors:
  // kResourceExhausted.
  [[nodiscard]] static Result<std::unique_ptr<KeyArena>> Map();
  // With one backing only. Errors: as Map.
  [[nodiscard]] static Result<std::unique_ptr<KeyArena>> MapAs(Backing backing, std::size_t bytes);
  // The one of this process, made at first use and never unmapped, because keys of static duration
  // may go after it. Errors: as Map; the next call tries again.
  [[nodiscard]] static Result<KeyArena*> OfProcess();

  KeyArena(const KeyArena&) = delete;
  KeyArena& operator=(const KeyArena&) = delete;
  ~KeyArena();

  // A slot of kKeySize zero bytes. Errors: kResourceExhausted: every slot is taken.
  [[nodiscard]] Result<std::byte*> Take();
  // Zeroes the slot, then lets it be taken again.
  void Return(std::byte* slot);

  Backing backing() const { return backing_; }
  std::size_t slots() const { return bytes_ / kKeySize; }
  bool Owns(const std::byte* slot) const { return slot >= base_ && slot < base_ + bytes_; }

 private:
  KeyArena(std::byte* base, std::size_t bytes, Backing backing)
      : base_(base), bytes_(bytes), backing_(backing) {}

  std::byte* const base_;
  const std::size_t bytes_;
  const Backing backing_;
  std::mutex mutex_;                  // guards what follows
  std::vector<std::uint32_t> freed_;  // slots given back, last in first out: few pages are touched
  std::uint32_t fresh_ = 0;           // slots from here on have never been taken
};

}  // namespace casemate::internal
