#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace casemate {

// 128 random bits that name one thing. Ids tell nothing: not the time, not the order, not a name.
// The phantom `Tag` keeps a document's id from being passed for a tenant's; `Tag::kPrefix` is what
// stands before it in text, as OpenAI's clients know it: "file-mfrggzdfmztwq2lknnwg23tpoa".
template <typename Tag>
class Id {
 public:
  static constexpr std::size_t kSize = 16;  // bytes
  using Array = std::array<std::byte, kSize>;

  constexpr Id() = default;  // all zero: "none"
  constexpr explicit Id(const Array& bytes) : bytes_(bytes) {}
  // Errors: kInvalidArgument: not kSize bytes.
  [[nodiscard]] static Result<Id> FromBytes(ByteView bytes) {
    if (bytes.size() != kSize) {
      return Fail(ErrorCode::kInvalidArgument,
                  "id of " + std::to_string(bytes.size()) + " bytes, expected 16");
    }
    Id id;
    std::copy(bytes.begin(), bytes.end(), id.bytes_.begin());
    return id;
  }
  // Prefix, then 26 base32 digits. Errors: kInvalidArgument.
  [[nodiscard]] static Result<Id> Parse(std::string_view text) {
    if (!text.starts_with(Tag::kPrefix)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "id without the prefix '" + std::string(Tag::kPrefix) + "'");
    }
    Result<Bytes> bytes = FromBase32(text.substr(Tag::kPrefix.size()));
    if (!bytes) {
      return std::unexpected(bytes.error());
    }
    return FromBytes(*bytes);
  }

  ByteView bytes() const { return bytes_; }
  const Array& array() const { return bytes_; }
  std::string ToString() const { return std::string(Tag::kPrefix) + ToBase32(bytes_); }
  bool is_none() const { return *this == Id(); }
  auto operator<=>(const Id&) const = default;

 private:
  Array bytes_{};
};

// What the key tree knows; every stored thing is an object. The text form of a document's id is a
// FileId, of a collection's a CollectionId; ToObject and As<...> convert where the kind is known.
struct ObjectTag {
  static constexpr std::string_view kPrefix = "obj_";
};
struct FileTag {
  static constexpr std::string_view kPrefix = "file-";
};
struct CollectionTag {
  static constexpr std::string_view kPrefix = "vs_";
};
struct ResponseTag {
  static constexpr std::string_view kPrefix = "resp_";
};
struct CompletionTag {
  static constexpr std::string_view kPrefix = "chatcmpl-";
};
struct MessageTag {
  static constexpr std::string_view kPrefix = "msg_";
};
struct CallTag {
  static constexpr std::string_view kPrefix = "fs_";
};
struct TenantTag {
  static constexpr std::string_view kPrefix = "tenant_";
};
struct PrincipalTag {
  static constexpr std::string_view kPrefix = "principal_";
};
struct KeyTag {
  static constexpr std::string_view kPrefix = "key_";
};
struct TicketTag {
  static constexpr std::string_view kPrefix = "ticket_";
};

using ObjectId = Id<ObjectTag>;
using FileId = Id<FileTag>;
using CollectionId = Id<CollectionTag>;
using ResponseId = Id<ResponseTag>;
using CompletionId = Id<CompletionTag>;
using MessageId = Id<MessageTag>;
using CallId = Id<CallTag>;
using TenantId = Id<TenantTag>;
using PrincipalId = Id<PrincipalTag>;
using KeyId = Id<KeyTag>;
using TicketId = Id<TicketTag>;

template <typename To, typename FromTag>
To As(const Id<FromTag>& id) {
  return To(id.array());
}

}  // namespace casemate

template <typename Tag>
struct std::hash<casemate::Id<Tag>> {
  std::size_t operator()(const casemate::Id<Tag>& id) const noexcept {
    std::size_t value = 0;  // ids are random: any eight bytes are a hash
    __builtin_memcpy(&value, id.array().data(), sizeof(value));
    return value;
  }
};
