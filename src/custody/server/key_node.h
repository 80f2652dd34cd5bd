#pragma once

#include <cstdint>
#include <string>

#include "base/id.h"
#include "crypto/hash.h"
#include "custody/server/tree_store.h"
#include "policy/label.h"
#include "policy/release.h"
#include "secmem/key.h"
#include "secmem/secret_buffer.h"

// The bytes of one node of a key tree: docs/formats/key_tree.md, "Nodes".
namespace casemate::custody {

inline constexpr std::uint32_t kFanOut = 256;
inline constexpr std::uint32_t kMaxSlots = kFanOut * kFanOut * kFanOut;
inline constexpr std::uint32_t kNoSlot = 0xffffffff;
inline constexpr std::uint8_t kRootLevel = 0;
inline constexpr std::uint8_t kLeafLevel = 2;
inline constexpr std::size_t kInnerEntrySize = 64;  // key 32 | SHA-256 of the child's sealed bytes
inline constexpr std::size_t kLeafEntrySize = 96;

// What a leaf entry says about its object; the secret stands apart.
struct ObjectEntry {
  ObjectId id;
  CollectionId collection;  // none: in no collection
  policy::ObjectKind kind = policy::ObjectKind::kFile;
  policy::Label label = policy::kLowestLabel;
  std::uint32_t version = 1;       // of the secret
  std::uint32_t source = kNoSlot;  // erased with that slot's object
  std::int64_t created = 0;        // unix seconds
  std::uint64_t owner = 0;         // of what is in no collection: PrincipalRecord::owner_tag, or 0
  bool operator==(const ObjectEntry&) const = default;
};

// One opened node, in locked memory.
class KeyNode {
 public:
  static std::size_t SizeOf(std::uint8_t level) {
    return kFanOut * (level == kLeafLevel ? kLeafEntrySize : kInnerEntrySize);
  }
  // All entries absent.
  [[nodiscard]] static Result<KeyNode> Empty(const NodeAddress& address);
  [[nodiscard]] Result<KeyNode> Copy() const;

  // Seals under `key`; the context binds tenant, place and epoch.
  [[nodiscard]] Result<Bytes> Seal(KeyView key, const TenantId& tenant, std::uint64_t epoch) const;
  // Errors: kIntegrityFailure, naming the node.
  [[nodiscard]] static Result<KeyNode> Open(KeyView key, const TenantId& tenant,
                                            const StoredNode& stored,
                                            const crypto::Digest& expected);

  const NodeAddress& address() const { return address_; }

  // Inner nodes: child 0 to 255.
  bool HasChild(std::uint32_t child) const;
  KeyView ChildKey(std::uint32_t child) const;
  crypto::Digest ChildDigest(std::uint32_t child) const;
  void SetChild(std::uint32_t child, KeyView key, const crypto::Digest& digest);

  // Leaf nodes: entry 0 to 255.
  bool HasObject(std::uint32_t entry) const;
  ObjectEntry Object(std::uint32_t entry) const;
  KeyView ObjectSecret(std::uint32_t entry) const;
  void SetObject(std::uint32_t entry, const ObjectEntry& object, KeyView secret);
  void ClearObject(std::uint32_t entry);

 private:
  KeyNode(const NodeAddress& address, SecretBuffer bytes)
      : address_(address), bytes_(std::move(bytes)) {}
  ByteView Entry(std::uint32_t entry) const;
  std::span<std::byte> MutableEntry(std::uint32_t entry);

  NodeAddress address_;
  SecretBuffer bytes_;
};

// "root", "inner node 3", "leaf node 770": for messages.
std::string NodeName(const NodeAddress& address);
Bytes NodeContext(const TenantId& tenant, const NodeAddress& address, std::uint64_t epoch);

}  // namespace casemate::custody
