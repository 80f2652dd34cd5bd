#include "secmem/key_arena_internal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "base/fd.h"
#include "secmem/plaintext.h"

namespace casemate::internal {
namespace {

std::unexpected<Error> FailArena(std::string_view what) {
  std::unexpected<Error> failure = FailErrno(what);
  failure.error().code = ErrorCode::kResourceExhausted;
  failure.error().detail = "the arena of keys could not be locked; see RLIMIT_MEMLOCK";
  return failure;
}

Result<void*> MapSecret(std::size_t bytes) {
  // The kernel takes O_CLOEXEC here, where memfd_secret(2) says FD_CLOEXEC.
  const UniqueFd fd(static_cast<int>(::syscall(SYS_memfd_secret, O_CLOEXEC)));
  if (!fd.valid()) {
    return FailArena("memfd_secret");
  }
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    return FailArena("ftruncate of memfd_secret");
  }
  void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (base == MAP_FAILED) {  // counted against RLIMIT_MEMLOCK
    return FailArena("mmap of memfd_secret");
  }
  return base;
}

Result<void*> MapLocked(std::size_t bytes) {
  void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    return FailArena("mmap");
  }
  if (::mlock2(base, bytes, MLOCK_ONFAULT) != 0) {
    const auto failure = FailArena("mlock2");
    ::munmap(base, bytes);
    return failure;
  }
  return base;
}

}  // namespace

Result<std::unique_ptr<KeyArena>> KeyArena::MapAs(Backing backing, std::size_t bytes) {
  const Result<void*> base = backing == Backing::kMemfdSecret ? MapSecret(bytes) : MapLocked(bytes);
  if (!base) {
    return std::unexpected(base.error());
  }
  std::unique_ptr<KeyArena> arena(new KeyArena(static_cast<std::byte*>(*base), bytes, backing));
  if (::madvise(*base, bytes, MADV_DONTDUMP) != 0 || ::madvise(*base, bytes, MADV_DONTFORK) != 0) {
    return FailArena("madvise");
  }
  return arena;
}

Result<std::unique_ptr<KeyArena>> KeyArena::Map() {
  Result<std::unique_ptr<KeyArena>> arena = Fail(ErrorCode::kResourceExhausted, "no arena tried");
  for (std::size_t bytes = kMaxBytes; bytes >= kMinBytes; bytes /= 2) {
    for (const Backing backing : {Backing::kMemfdSecret, Backing::kLockedAnonymous}) {
      arena = MapAs(backing, bytes);
      if (arena) {
        return arena;
      }
    }
  }
  return arena;
}

Result<KeyArena*> KeyArena::OfProcess() {
  static std::mutex mutex;
  static KeyArena* arena = nullptr;  // guarded by mutex
  const std::scoped_lock lock(mutex);
  if (arena == nullptr) {
    Result<std::unique_ptr<KeyArena>> made = Map();
    if (!made) {
      return std::unexpected(made.error());
    }
    arena = made->release();
  }
  return arena;
}

KeyArena::~KeyArena() { ::munmap(base_, bytes_); }

Result<std::byte*> KeyArena::Take() {
  const std::scoped_lock lock(mutex_);
  std::uint32_t slot = 0;
  if (!freed_.empty()) {
    slot = freed_.back();
    freed_.pop_back();
  } else if (fresh_ < slots()) {
    slot = fresh_++;
  } else {
    return Fail(ErrorCode::kResourceExhausted, "too many keys are held at once",
                "all " + std::to_string(slots()) + " slots of the arena of keys are taken");
  }
  return base_ + (static_cast<std::size_t>(slot) * kKeySize);
}

void KeyArena::Return(std::byte* slot) {
  Wipe({slot, kKeySize});
  const std::scoped_lock lock(mutex_);
  freed_.push_back(static_cast<std::uint32_t>(static_cast<std::size_t>(slot - base_) / kKeySize));
}

}  // namespace casemate::internal
