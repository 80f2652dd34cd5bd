#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace casemate {

// Bytes that somebody wrote for nobody else to read: a prompt, a document, an answer, a request
// body. A view of them, as string_view is of text; it does not convert to one, has no operator<<
// and no formatter, so no log, message or exception takes it. Reading needs a call that a reviewer
// can search for: `Reveal`.
class PlaintextView {
 public:
  constexpr PlaintextView() = default;
  // Makes a view of memory that somebody else wipes (a region, a wiped arena of a library).
  static constexpr PlaintextView Of(std::string_view text) { return PlaintextView(text); }
  static PlaintextView Of(ByteView bytes) { return PlaintextView(AsText(bytes)); }

  // The text itself, valid as long as what it was taken from. Never store it in a std::string.
  constexpr std::string_view Reveal() const { return text_; }
  ByteView RevealBytes() const { return AsBytes(text_); }

  constexpr std::size_t size() const { return text_.size(); }
  constexpr bool empty() const { return text_.empty(); }
  // Clamped to the end; `begin` past the end gives an empty view.
  constexpr PlaintextView Part(std::size_t begin,
                               std::size_t length = std::string_view::npos) const {
    return begin >= text_.size() ? PlaintextView() : PlaintextView(text_.substr(begin, length));
  }

 private:
  constexpr explicit PlaintextView(std::string_view text) : text_(text) {}
  std::string_view text_;
};

// Owns plaintext, growing as it is appended to; every buffer it leaves, on growth, on Clear and at
// the end, is zeroed first. Not locked in memory: documents are large; keys are KeyBytes.
// Move-only; a moved-from one is empty. Threads: as a std::string.
class Plaintext {
 public:
  Plaintext() = default;
  static Plaintext Copy(PlaintextView view);
  static Plaintext Copy(std::string_view text) { return Copy(PlaintextView::Of(text)); }
  static Plaintext Copy(ByteView bytes) { return Copy(PlaintextView::Of(bytes)); }
  // `size` zero bytes, to be filled through mutable_bytes.
  static Plaintext Zeroed(std::size_t size);

  Plaintext(Plaintext&& other) noexcept;
  Plaintext& operator=(Plaintext&& other) noexcept;
  ~Plaintext();

  PlaintextView view() const {
    return PlaintextView::Of(std::string_view(reinterpret_cast<const char*>(data_), size_));
  }
  operator PlaintextView() const { return view(); }  // NOLINT(google-explicit-constructor)
  std::span<std::byte> mutable_bytes() { return {data_, size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void Append(PlaintextView more);
  // A literal or a field name of ours among the content: never input.
  void AppendLiteral(std::string_view more) { Append(PlaintextView::Of(more)); }
  void Reserve(std::size_t capacity);
  // Shortens to `size`, wiping what is cut; a larger size changes nothing.
  void Truncate(std::size_t size);
  // Wipes and keeps nothing.
  void Clear();

 private:
  std::byte* data_ = nullptr;  // capacity_ bytes from ::operator new
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Equality in time that depends on the sizes only.
[[nodiscard]] bool EqualConstantTime(PlaintextView a, PlaintextView b);

// Zeroes memory in a way that the compiler keeps.
void Wipe(std::span<std::byte> bytes);

// Token ids are plaintext too. A wiping vector for them.
class TokenBuffer {
 public:
  TokenBuffer() = default;
  TokenBuffer(TokenBuffer&& other) noexcept = default;
  TokenBuffer& operator=(TokenBuffer&& other) noexcept = default;
  ~TokenBuffer() = default;

  void Append(std::int32_t token);
  std::span<const std::int32_t> RevealTokens() const {
    const ByteView bytes = storage_.view().RevealBytes();
    return {reinterpret_cast<const std::int32_t*>(bytes.data()),
            bytes.size() / sizeof(std::int32_t)};
  }
  std::size_t size() const { return storage_.size() / sizeof(std::int32_t); }
  void Truncate(std::size_t tokens) { storage_.Truncate(tokens * sizeof(std::int32_t)); }
  void Clear() { storage_.Clear(); }

 private:
  Plaintext storage_;
};

}  // namespace casemate
