#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

// CBOR (RFC 8949) as attestation tokens have it, checked before libcbor allocates anything:
// definite lengths, no duplicate keys, bounded depth and count. libcbor stays in this folder.
namespace casemate::attestation::cbor {

inline constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxItems = 20'000;
inline constexpr int kMaxDepth = 12;

struct Value {
  enum class Kind : unsigned char {
    kUnsigned,
    kNegative,  // -1 - number
    kBytes,
    kText,
    kArray,
    kMap,  // key, value, key, value, ...
    kTag,
    kOther,  // simple values and floating point: no token here uses them
  };
  Kind kind = Kind::kOther;
  std::uint64_t number = 0;  // of an integer or tag
  Bytes bytes;               // of bytes or text
  std::vector<Value> items;

  // A map's value under an integer key; nullptr when there is none.
  const Value* Get(std::int64_t key) const;
  bool IsInteger(std::int64_t value) const;
  bool IsText(std::string_view text) const;
};

// Errors: kInvalidArgument: not one whole item of that form, or bytes behind it. kTooLarge.
[[nodiscard]] Result<Value> Read(ByteView encoded);

// Shortest heads (RFC 8949, section 4.2), for what is signed: COSE's Sig_structure.
void PutHead(Bytes& out, unsigned major_type, std::uint64_t argument);
void PutBytes(Bytes& out, ByteView bytes);
void PutText(Bytes& out, std::string_view text);

}  // namespace casemate::attestation::cbor
