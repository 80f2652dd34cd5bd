#include "secmem/plaintext.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace casemate {

void Wipe(std::span<std::byte> bytes) {
  if (!bytes.empty()) {
    ::explicit_bzero(bytes.data(), bytes.size());
  }
}

Plaintext Plaintext::Copy(PlaintextView view) {
  Plaintext made;
  made.Append(view);
  return made;
}

Plaintext Plaintext::Zeroed(std::size_t size) {
  Plaintext made;
  made.Reserve(size);
  if (size > 0) {
    std::memset(made.data_, 0, size);
  }
  made.size_ = size;
  return made;
}

Plaintext::Plaintext(Plaintext&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Plaintext& Plaintext::operator=(Plaintext&& other) noexcept {
  if (this != &other) {
    Clear();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

Plaintext::~Plaintext() { Clear(); }

void Plaintext::Append(PlaintextView more) {
  if (more.empty()) {
    return;
  }
  const ByteView source = more.RevealBytes();
  if (capacity_ - size_ < source.size()) {
    // A view of this very buffer stays valid until the old one is wiped: copy before that.
    Plaintext grown;
    grown.Reserve(std::max(size_ + source.size(), capacity_ * 2));
    if (size_ > 0) {
      std::memcpy(grown.data_, data_, size_);
    }
    std::memcpy(grown.data_ + size_, source.data(), source.size());
    grown.size_ = size_ + source.size();
    *this = std::move(grown);
    return;
  }
  std::memmove(data_ + size_, source.data(), source.size());
  size_ += source.size();
}

void Plaintext::Reserve(std::size_t capacity) {
  if (capacity <= capacity_) {
    return;
  }
  auto* fresh = static_cast<std::byte*>(::operator new(capacity));
  const std::size_t size = size_;
  if (size > 0) {
    std::memcpy(fresh, data_, size);
  }
  Clear();
  data_ = fresh;
  size_ = size;
  capacity_ = capacity;
}

void Plaintext::Truncate(std::size_t size) {
  if (size < size_) {
    Wipe({data_ + size, size_ - size});
    size_ = size;
  }
}

void Plaintext::Clear() {
  if (data_ != nullptr) {
    Wipe({data_, capacity_});
    ::operator delete(data_);
  }
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
}

bool EqualConstantTime(PlaintextView a, PlaintextView b) {
  if (a.size() != b.size()) {
    return false;
  }
  const ByteView left = a.RevealBytes();
  const ByteView right = b.RevealBytes();
  unsigned difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    difference |= std::to_integer<unsigned>(left[i] ^ right[i]);
  }
  return difference == 0;
}

void TokenBuffer::Append(std::int32_t token) {
  storage_.Append(
      PlaintextView::Of(ByteView(reinterpret_cast<const std::byte*>(&token), sizeof(token))));
}

}  // namespace casemate
