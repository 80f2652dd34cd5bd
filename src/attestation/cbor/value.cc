#include "attestation/cbor/value.h"

#include <cbor.h>

#include <algorithm>
#include <memory>

namespace casemate::attestation::cbor {
namespace {

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

struct Head {
  unsigned major = 0;
  std::uint64_t argument = 0;
  std::size_t size = 0;  // bytes; 0: cut off, or an indefinite or reserved length
};

Head ReadHead(ByteView at) {
  if (at.empty()) {
    return {};
  }
  const auto first = std::to_integer<unsigned>(at[0]);
  const unsigned low = first & 0x1F;
  Head head{.major = first >> 5, .argument = low, .size = 1};
  if (low >= 24) {
    const std::size_t bytes = low <= 27 ? std::size_t{1} << (low - 24) : 0;
    if (bytes == 0 || at.size() < 1 + bytes) {
      return {};
    }
    head.argument = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      head.argument = head.argument << 8 | std::to_integer<std::uint64_t>(at[1 + i]);
    }
    head.size += bytes;
  }
  return head;
}

// Walks the heads: libcbor allocates what a head promises, so no head may promise more than there
// is.
// Returns the same items with tags below 24 in two bytes: libcbor 0.10 refuses tags 6 to 20
// (COSE_Sign1 is 18) in their short form.
Result<Bytes> CheckBounds(ByteView rest) {
  Bytes same;
  std::vector<std::uint64_t> open = {1};  // items still to come, per level
  std::size_t items = 0;
  while (!open.empty()) {
    if (open.back() == 0) {
      open.pop_back();
      continue;
    }
    --open.back();
    const Head head = ReadHead(rest);
    if (head.size == 0) {
      return Bad("cut off, or of indefinite length, at item " + std::to_string(items + 1));
    }
    if (++items > kMaxItems) {
      return Fail(ErrorCode::kTooLarge, "more than 20000 items");
    }
    if (head.major == 6 && head.size == 1) {
      Put(same, Bytes{std::byte{0xD8}, static_cast<std::byte>(head.argument)});
    } else {
      Put(same, rest.first(head.size));
    }
    rest = rest.subspan(head.size);
    const bool string = head.major == 2 || head.major == 3;
    const bool container = head.major == 4 || head.major == 5;
    if ((string || container) && head.argument > rest.size()) {
      return Bad("item " + std::to_string(items) + " promises more than there is");
    }
    if (string) {
      Put(same, rest.first(head.argument));
      rest = rest.subspan(head.argument);
    } else if (container || head.major == 6) {
      open.push_back(head.major == 4 ? head.argument : head.major == 5 ? 2 * head.argument : 1);
      if (open.size() > kMaxDepth) {
        return Bad("deeper than 12 levels");
      }
    }
  }
  return rest.empty() ? Result<Bytes>(std::move(same))
                      : Bad(std::to_string(rest.size()) + " bytes behind the item");
}

struct FreeItem {
  void operator()(cbor_item_t* item) const { cbor_decref(&item); }
};
using Item = std::unique_ptr<cbor_item_t, FreeItem>;

Bytes Content(const unsigned char* data, std::size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  return data == nullptr ? Bytes() : Bytes(bytes, bytes + size);
}

// Bounded by CheckBounds. Errors: a key twice in one map.
Result<Value> Convert(cbor_item_t* item);

Result<void> ConvertArray(cbor_item_t* item, Value& value) {
  cbor_item_t** const items = cbor_array_handle(item);
  for (std::size_t i = 0; i < cbor_array_size(item); ++i) {
    Result<Value> inner = Convert(items[i]);
    if (!inner) {
      return std::unexpected(inner.error());
    }
    value.items.push_back(*std::move(inner));
  }
  return {};
}

bool SameKey(const Value& a, const Value& b) {
  return a.kind == b.kind && a.number == b.number && a.bytes == b.bytes;
}

Result<void> ConvertMap(cbor_item_t* item, Value& value) {
  const cbor_pair* pairs = cbor_map_handle(item);
  for (std::size_t i = 0; i < cbor_map_size(item); ++i) {
    Result<Value> key = Convert(pairs[i].key);
    Result<Value> inner = key ? Convert(pairs[i].value) : std::unexpected(key.error());
    if (!inner) {
      return std::unexpected(inner.error());
    }
    if (!key->items.empty()) {
      return Bad("a map's key that is no integer or text");
    }
    for (std::size_t j = 0; j < value.items.size(); j += 2) {
      if (SameKey(value.items[j], *key)) {
        return Bad("a key stands twice in one map");
      }
    }
    value.items.push_back(*std::move(key));
    value.items.push_back(*std::move(inner));
  }
  return {};
}

Result<Value> Convert(cbor_item_t* item) {
  Value value;
  Result<void> inner;
  switch (cbor_typeof(item)) {
    case CBOR_TYPE_UINT:
    case CBOR_TYPE_NEGINT:
      value.kind = cbor_isa_uint(item) ? Value::Kind::kUnsigned : Value::Kind::kNegative;
      value.number = cbor_get_int(item);
      break;
    case CBOR_TYPE_BYTESTRING:
      value.kind = Value::Kind::kBytes;
      value.bytes = Content(cbor_bytestring_handle(item), cbor_bytestring_length(item));
      break;
    case CBOR_TYPE_STRING:
      value.kind = Value::Kind::kText;
      value.bytes = Content(cbor_string_handle(item), cbor_string_length(item));
      break;
    case CBOR_TYPE_ARRAY:
      value.kind = Value::Kind::kArray;
      inner = ConvertArray(item, value);
      break;
    case CBOR_TYPE_MAP:
      value.kind = Value::Kind::kMap;
      inner = ConvertMap(item, value);
      break;
    case CBOR_TYPE_TAG: {
      value.kind = Value::Kind::kTag;
      value.number = cbor_tag_value(item);
      const Item tagged(cbor_tag_item(item));
      Result<Value> content = Convert(tagged.get());
      if (!content) {
        return content;
      }
      value.items.push_back(*std::move(content));
      break;
    }
    case CBOR_TYPE_FLOAT_CTRL:
      break;
  }
  return inner ? Result<Value>(std::move(value)) : std::unexpected(inner.error());
}

}  // namespace

const Value* Value::Get(std::int64_t key) const {
  if (kind != Kind::kMap) {
    return nullptr;
  }
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].IsInteger(key)) {
      return &items[i + 1];
    }
  }
  return nullptr;
}

bool Value::IsInteger(std::int64_t value) const {
  return value >= 0 ? kind == Kind::kUnsigned && number == static_cast<std::uint64_t>(value)
                    : kind == Kind::kNegative && number == static_cast<std::uint64_t>(-1 - value);
}

bool Value::IsText(std::string_view text) const {
  return kind == Kind::kText && AsText(bytes) == text;
}

Result<Value> Read(ByteView encoded) {
  if (encoded.size() > kMaxBytes) {
    return Fail(ErrorCode::kTooLarge, "CBOR of more than 1 MiB");
  }
  Result<Bytes> bounded = CheckBounds(encoded);
  if (!bounded) {
    return std::unexpected(bounded.error());
  }
  cbor_load_result result{};
  const Item item(
      cbor_load(reinterpret_cast<const unsigned char*>(bounded->data()), bounded->size(), &result));
  if (item == nullptr || result.error.code != CBOR_ERR_NONE || result.read != bounded->size()) {
    return Bad("not CBOR, at byte " + std::to_string(result.error.position));
  }
  return Convert(item.get());
}

void PutHead(Bytes& out, unsigned major_type, std::uint64_t argument) {
  const unsigned major = major_type << 5;
  const unsigned bytes = argument < 24            ? 0
                         : argument <= 0xFF       ? 1
                         : argument <= 0xFFFF     ? 2
                         : argument <= 0xFFFFFFFF ? 4
                                                  : 8;
  const unsigned low = bytes == 0   ? static_cast<unsigned>(argument)
                       : bytes == 1 ? 24
                       : bytes == 2 ? 25
                       : bytes == 4 ? 26
                                    : 27;
  out.push_back(static_cast<std::byte>(major | low));
  for (unsigned i = bytes; i > 0; --i) {
    out.push_back(static_cast<std::byte>(argument >> (8 * (i - 1)) & 0xFF));
  }
}

void PutBytes(Bytes& out, ByteView bytes) {
  PutHead(out, 2, bytes.size());
  Put(out, bytes);
}

void PutText(Bytes& out, std::string_view text) {
  PutHead(out, 3, text.size());
  Put(out, AsBytes(text));
}

}  // namespace casemate::attestation::cbor
