#include "secmem/key.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "secmem/key_arena_internal.h"
#include "secmem/plaintext.h"

namespace casemate {

Result<Key> Key::Zeroed() {
  const Result<internal::KeyArena*> arena = internal::KeyArena::OfProcess();
  if (!arena) {
    return std::unexpected(arena.error());
  }
  const Result<std::byte*> slot = (*arena)->Take();
  if (!slot) {
    return std::unexpected(slot.error());
  }
  return Key(*slot);
}

Result<Key> Key::Random() {
  Result<Key> key = Zeroed();
  if (!key) {
    return key;
  }
  // Up to 256 bytes come whole once the source is seeded (getrandom(2)); before that a signal may
  // interrupt the wait.
  ssize_t got = 0;
  do {
    got = ::getrandom(key->data_, kKeySize, 0);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(kKeySize)) {
    return FailErrno("getrandom");
  }
  return key;
}

Result<Key> Key::TakeFrom(std::span<std::byte> source) {
  if (source.size() != kKeySize) {
    return Fail(ErrorCode::kInvalidArgument, "key of " + std::to_string(source.size()) +
                                                 " bytes, expected " + std::to_string(kKeySize));
  }
  Result<Key> key = Zeroed();
  if (key) {
    std::memcpy(key->data_, source.data(), kKeySize);
    Wipe(source);
  }
  return key;
}

Result<Key> Key::Copy(KeyView other) {
  Result<Key> key = Zeroed();
  if (key) {
    std::memcpy(key->data_, other.RevealKey().data(), kKeySize);
  }
  return key;
}

Key::Key(Key&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}

Key& Key::operator=(Key&& other) noexcept {
  if (this != &other) {
    Release();
    data_ = std::exchange(other.data_, nullptr);
  }
  return *this;
}

Key::~Key() { Release(); }

void Key::Release() {
  if (data_ != nullptr) {
    // A key was made, so the arena exists.
    (*internal::KeyArena::OfProcess())->Return(std::exchange(data_, nullptr));
  }
}

}  // namespace casemate
