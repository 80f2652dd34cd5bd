#include "secmem/secret_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "secmem/plaintext.h"

namespace casemate {
namespace {

// Whatever errno says, the remedy is the same: raise RLIMIT_MEMLOCK or hold fewer secrets.
std::unexpected<Error> FailLocked(std::string_view what) {
  std::unexpected<Error> failure = FailErrno(what);
  failure.error().code = ErrorCode::kResourceExhausted;
  failure.error().detail = "locked memory ran out; see RLIMIT_MEMLOCK, getrlimit(2)";
  return failure;
}

}  // namespace

Result<SecretBuffer> SecretBuffer::Allocate(std::size_t size) {
  if (size == 0 || size > kMaxSize) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "secret of " + std::to_string(size) + " bytes, expected 1 to " + std::to_string(kMaxSize));
  }
  void* pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    return FailLocked("mmap");
  }
  SecretBuffer buffer(static_cast<std::byte*>(pages), size);  // owns the pages from here on

  // Refuse instead of going on unlocked: swap and core files outlive the process. A forked child
  // gets zeros: locks are not inherited, so its copy could be swapped out. mlock2 without flags is
  // mlock, which the sanitizers replace by nothing.
  if (::mlock2(pages, size, 0) != 0 || ::madvise(pages, size, MADV_DONTDUMP) != 0 ||
      ::madvise(pages, size, MADV_WIPEONFORK) != 0) {
    return FailLocked("mlock or madvise");
  }
  return buffer;
}

Result<SecretBuffer> SecretBuffer::TakeFrom(std::span<std::byte> source) {
  Result<SecretBuffer> buffer = Allocate(source.size());
  if (buffer) {
    std::memcpy(buffer->data_, source.data(), source.size());
    Wipe(source);
  }
  return buffer;
}

SecretBuffer::SecretBuffer(SecretBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBuffer& SecretBuffer::operator=(SecretBuffer&& other) noexcept {
  if (this != &other) {
    Release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBuffer::~SecretBuffer() { Release(); }

bool SecretBuffer::EqualsConstantTime(ByteView other) const {
  return EqualConstantTime(PlaintextView::Of(RevealBytes()), PlaintextView::Of(other));
}

void SecretBuffer::Release() {
  if (data_ != nullptr) {
    Wipe(mutable_bytes());
    ::munmap(data_, size_);  // unlocks too; were it to fail, the bytes are already zero
  }
}

}  // namespace casemate
