#include "custody/server/key_node.h"

#include <algorithm>
#include <cstring>

#include "crypto/seal.h"

namespace casemate::custody {
namespace {

// Offsets inside a leaf entry.
constexpr std::size_t kSecretAt = 0;
constexpr std::size_t kIdAt = 32;
constexpr std::size_t kCollectionAt = 48;
constexpr std::size_t kKindAt = 64;
constexpr std::size_t kLabelAt = 65;
constexpr std::size_t kStateAt = 66;
constexpr std::size_t kVersionAt = 68;
constexpr std::size_t kSourceAt = 72;
constexpr std::size_t kCreatedAt = 76;
constexpr std::size_t kOwnerAt = 84;
constexpr std::byte kLive{1};

bool AllZero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

void CopyAt(std::span<std::byte> out, std::size_t at, ByteView bytes) {
  std::memcpy(out.data() + at, bytes.data(), bytes.size());
}

}  // namespace

std::string NodeName(const NodeAddress& address) {
  if (address.level == kRootLevel) {
    return "root";
  }
  return (address.level == kLeafLevel ? "leaf node " : "inner node ") +
         std::to_string(address.index);
}

Bytes NodeContext(const TenantId& tenant, const NodeAddress& address, std::uint64_t epoch) {
  Bytes context;
  Put(context, AsBytes("casemate/key-tree@v1"));
  Put(context, tenant.bytes());
  context.push_back(static_cast<std::byte>(address.level));
  PutU32(context, address.index);
  PutU64(context, epoch);
  return context;
}

Result<KeyNode> KeyNode::Empty(const NodeAddress& address) {
  Result<SecretBuffer> bytes = SecretBuffer::Allocate(SizeOf(address.level));
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  return KeyNode(address, std::move(*bytes));
}

Result<KeyNode> KeyNode::Copy() const {
  Result<KeyNode> copy = Empty(address_);
  if (copy) {
    std::ranges::copy(bytes_.RevealBytes(), copy->bytes_.mutable_bytes().begin());
  }
  return copy;
}

Result<Bytes> KeyNode::Seal(KeyView key, const TenantId& tenant, std::uint64_t epoch) const {
  return crypto::SealRaw(key, NodeContext(tenant, address_, epoch),
                         PlaintextView::Of(bytes_.RevealBytes()));
}

Result<KeyNode> KeyNode::Open(KeyView key, const TenantId& tenant, const StoredNode& stored,
                              const crypto::Digest& expected) {
  const auto fail = [&](const std::string& detail) {
    return Fail(ErrorCode::kIntegrityFailure,
                "the key tree is damaged: " + NodeName(stored.address) + " of " + tenant.ToString(),
                detail);
  };
  if (crypto::Sha256(stored.sealed) != expected) {
    return fail("its digest is not the one that its parent holds");
  }
  Result<Plaintext> opened =
      crypto::OpenRaw(key, NodeContext(tenant, stored.address, stored.epoch), stored.sealed);
  if (!opened) {
    return fail(opened.error().message);
  }
  if (opened->size() != SizeOf(stored.address.level)) {
    return fail("its size is wrong");
  }
  Result<SecretBuffer> bytes = SecretBuffer::TakeFrom(opened->mutable_bytes());
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  KeyNode node(stored.address, std::move(*bytes));
  if (stored.address.level == kLeafLevel) {
    for (std::uint32_t i = 0; i < kFanOut; ++i) {
      const ByteView entry = node.Entry(i);
      const bool live = entry[kStateAt] == kLive;
      const auto kind = std::to_integer<std::uint8_t>(entry[kKindAt]);
      if (live ? (kind == 0 || kind > policy::kLastObjectKind ||
                  std::to_integer<std::uint8_t>(entry[kLabelAt]) >
                      static_cast<std::uint8_t>(policy::kHighestLabel))
               : !AllZero(entry)) {
        return fail("entry " + std::to_string(i) + " does not fit the format");
      }
    }
  }
  return node;
}

ByteView KeyNode::Entry(std::uint32_t entry) const {
  const std::size_t size = bytes_.size() / kFanOut;
  return bytes_.RevealBytes().subspan(entry * size, size);
}

std::span<std::byte> KeyNode::MutableEntry(std::uint32_t entry) {
  const std::size_t size = bytes_.size() / kFanOut;
  return bytes_.mutable_bytes().subspan(entry * size, size);
}

bool KeyNode::HasChild(std::uint32_t child) const { return !AllZero(Entry(child).first(kKeySize)); }

KeyView KeyNode::ChildKey(std::uint32_t child) const {
  return KeyView(Entry(child).first<kKeySize>());
}

crypto::Digest KeyNode::ChildDigest(std::uint32_t child) const {
  crypto::Digest digest;
  std::ranges::copy(Entry(child).subspan(kKeySize), digest.begin());
  return digest;
}

void KeyNode::SetChild(std::uint32_t child, KeyView key, const crypto::Digest& digest) {
  const auto entry = MutableEntry(child);
  CopyAt(entry, 0, key.RevealKey());
  CopyAt(entry, kKeySize, digest);
}

bool KeyNode::HasObject(std::uint32_t entry) const { return Entry(entry)[kStateAt] == kLive; }

ObjectEntry KeyNode::Object(std::uint32_t entry) const {
  const ByteView bytes = Entry(entry);
  ObjectId::Array id;
  CollectionId::Array collection;
  std::ranges::copy(bytes.subspan(kIdAt, id.size()), id.begin());
  std::ranges::copy(bytes.subspan(kCollectionAt, collection.size()), collection.begin());
  ObjectEntry object;
  object.id = ObjectId(id);
  object.collection = CollectionId(collection);
  object.kind = static_cast<policy::ObjectKind>(bytes[kKindAt]);
  object.label = static_cast<policy::Label>(bytes[kLabelAt]);
  object.version = GetU32(bytes, kVersionAt);
  object.source = GetU32(bytes, kSourceAt);
  object.created = static_cast<std::int64_t>(GetU64(bytes, kCreatedAt));
  object.owner = GetU64(bytes, kOwnerAt);
  return object;
}

KeyView KeyNode::ObjectSecret(std::uint32_t entry) const {
  return KeyView(Entry(entry).subspan(kSecretAt).first<kKeySize>());
}

void KeyNode::SetObject(std::uint32_t entry, const ObjectEntry& object, KeyView secret) {
  const auto bytes = MutableEntry(entry);
  CopyAt(bytes, kSecretAt, secret.RevealKey());
  CopyAt(bytes, kIdAt, object.id.bytes());
  CopyAt(bytes, kCollectionAt, object.collection.bytes());
  bytes[kKindAt] = static_cast<std::byte>(object.kind);
  bytes[kLabelAt] = static_cast<std::byte>(object.label);
  bytes[kStateAt] = kLive;
  Bytes numbers;
  PutU32(numbers, object.version);
  PutU32(numbers, object.source);
  PutU64(numbers, static_cast<std::uint64_t>(object.created));
  PutU64(numbers, object.owner);
  CopyAt(bytes, kVersionAt, numbers);
}

void KeyNode::ClearObject(std::uint32_t entry) { Wipe(MutableEntry(entry)); }

}  // namespace casemate::custody
