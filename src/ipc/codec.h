#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/id.h"
#include "secmem/key.h"
#include "secmem/plaintext.h"

// How the fields of a message become bytes and back: docs/formats/ipc.md. A message is a struct
// with
//   static constexpr MessageType kType = ...;
//   template <typename Self, typename Visitor> static void Fields(Self& m, Visitor& v) {
//     v(m.first); v(m.second); ... }
// one list for both directions, so that they cannot differ. Integers are big-endian; bool is 0 or
// 1; enums are their underlying integer and are range-checked by the struct's own Check, if it has
// one (static Result<void> Check(const T&)); text, bytes and plaintext are u32 length and content;
// Id is 16 bytes, Key 32; a vector is u32 count and its elements.
namespace casemate::ipc {

class Encoder {
 public:
  template <typename T>
  void operator()(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      (*this)(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_same_v<T, bool>) {
      PutInteger(value ? 1 : 0, 1);
    } else if constexpr (std::is_same_v<T, float>) {
      PutInteger(__builtin_bit_cast(std::uint32_t, value), 4);
    } else if constexpr (std::is_same_v<T, double>) {
      PutInteger(__builtin_bit_cast(std::uint64_t, value), 8);
    } else if constexpr (std::is_integral_v<T>) {
      PutInteger(static_cast<std::uint64_t>(value), sizeof(T));
    } else {
      T::Fields(value, *this);
    }
  }
  void operator()(const std::string& value) { PutBlock(AsBytes(value)); }
  void operator()(const Bytes& value) { PutBlock(value); }
  void operator()(const Plaintext& value) { PutBlock(value.view().RevealBytes()); }
  void operator()(const Key& value) { PutRaw(value.view().RevealKey()); }
  template <typename Tag>
  void operator()(const Id<Tag>& value) {
    PutRaw(value.bytes());
  }
  template <std::size_t kN>
  void operator()(const std::array<std::byte, kN>& value) {
    PutRaw(value);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) {
    PutInteger(values.size(), 4);
    for (const T& value : values) {
      (*this)(value);
    }
  }

  Plaintext Take() { return std::move(out_); }

 private:
  void PutInteger(std::uint64_t value, std::size_t bytes);
  void PutBlock(ByteView bytes);
  void PutRaw(ByteView bytes);
  Plaintext out_;
};

// Reads what an Encoder wrote, from a peer that may be hostile: every length is checked against
// what is left, counts against what could fit; the first error sticks and every later field reads
// as zero.
class Decoder {
 public:
  explicit Decoder(PlaintextView payload) : rest_(payload.RevealBytes()), total_(rest_.size()) {}

  template <typename T>
  void operator()(T& value) {
    if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> raw{};
      (*this)(raw);
      value = static_cast<T>(raw);
    } else if constexpr (std::is_same_v<T, bool>) {
      const std::uint64_t raw = GetInteger(1);
      if (raw > 1) {
        Reject("a truth value that is neither 0 nor 1");
      }
      value = raw == 1;
    } else if constexpr (std::is_same_v<T, float>) {
      value = __builtin_bit_cast(float, static_cast<std::uint32_t>(GetInteger(4)));
    } else if constexpr (std::is_same_v<T, double>) {
      value = __builtin_bit_cast(double, GetInteger(8));
    } else if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(GetInteger(sizeof(T)));
    } else {
      T::Fields(value, *this);
    }
  }
  void operator()(std::string& value);
  void operator()(Bytes& value);
  void operator()(Plaintext& value);
  void operator()(Key& value);
  template <typename Tag>
  void operator()(Id<Tag>& value) {
    typename Id<Tag>::Array bytes{};
    GetRaw(bytes);
    value = Id<Tag>(bytes);
  }
  template <std::size_t kN>
  void operator()(std::array<std::byte, kN>& value) {
    GetRaw(value);
  }
  template <typename T>
  void operator()(std::vector<T>& values) {
    // The smallest element takes a byte, so a count over what is left is a lie; growth is by
    // element, so that a large count costs nothing before its elements are there.
    const std::uint64_t count = GetInteger(4);
    if (count > rest_.size()) {
      Reject("a count of more elements than bytes are left");
      return;
    }
    values.clear();
    for (std::uint64_t i = 0; i < count && !failed(); ++i) {
      if constexpr (std::is_same_v<T, Key>) {
        Result<Key> key = Key::Zeroed();
        if (!key) {
          Reject("no locked memory for a key");
          return;
        }
        (*this)(*key);
        values.push_back(std::move(*key));
      } else {
        T value{};
        (*this)(value);
        values.push_back(std::move(value));
      }
    }
  }

  bool failed() const { return !error_.message.empty(); }
  // Errors: kInvalidArgument, with the offset, also when bytes are left over.
  [[nodiscard]] Result<void> Finish();

 private:
  std::uint64_t GetInteger(std::size_t bytes);
  ByteView GetBlock();
  void GetRaw(std::span<std::byte> out);
  void Reject(const char* why);

  ByteView rest_;
  std::size_t total_;
  Error error_;
};

template <typename T>
Plaintext Encode(const T& message) {
  Encoder encoder;
  T::Fields(message, encoder);
  return encoder.Take();
}

// Errors: kInvalidArgument: not a message of this type.
template <typename T>
[[nodiscard]] Result<T> Decode(PlaintextView payload) {
  T message{};
  Decoder decoder(payload);
  T::Fields(message, decoder);
  if (Result<void> done = decoder.Finish(); !done) {
    return std::unexpected(done.error());
  }
  if constexpr (requires { T::Check(message); }) {
    if (Result<void> good = T::Check(message); !good) {
      return std::unexpected(good.error());
    }
  }
  return message;
}

}  // namespace casemate::ipc
