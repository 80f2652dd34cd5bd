#include <gtest/gtest.h>

#include "crypto/seal.h"
#include "custody/messages.h"
#include "custody/purpose_key.h"
#include "custody/server/key_node.h"

// The vectors of docs/formats/key_tree.md and release.md, computed by
// tests/vectors/custody_reference.py from the documents alone.
namespace casemate::custody {
namespace {

template <typename IdType>
IdType IdFrom(std::uint8_t first) {
  typename IdType::Array bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(first + i);
  }
  return IdType(bytes);
}

Key Secret() {
  Key key = std::move(*Key::Zeroed());
  for (std::size_t i = 0; i < kKeySize; ++i) {
    key.mutable_bytes()[i] = static_cast<std::byte>(i);
  }
  return key;
}

const auto kTenant = IdFrom<TenantId>(0x20);
const auto kObject = IdFrom<ObjectId>(0x30);
const auto kCollection = IdFrom<CollectionId>(0x40);
const auto kTicket = IdFrom<TicketId>(0x60);

template <typename T>
std::string HexOf(const T& message) {
  return ToHex(ipc::Encode(message).view().RevealBytes());
}

TEST(FormatVectorsTest, PurposeKeys) {
  struct Vector {
    policy::Purpose purpose;
    std::uint32_t version;
    const char* key;
  };
  for (const Vector& vector :
       {Vector{policy::Purpose::kContent, 1,
               "d3446229a8f0211a636b6ce1adbe5ca596dc96c3d564e0c9faede1639cf66860"},
        Vector{policy::Purpose::kChunks, 1,
               "f5963ffa51cb410542151104d997e6dc320241b05d6e9049758514eaade8e48c"},
        Vector{policy::Purpose::kContent, 2,
               "216bb23953e659ff708969d402c6ee545aa86eafd5c611dc4acc17c1a6becf59"}}) {
    const Result<Key> key =
        DerivePurposeKey(Secret(), vector.purpose, kTenant, kObject, vector.version);
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(ToHex(key->view().RevealKey()), vector.key);
  }
}

TEST(FormatVectorsTest, NodeContextAndLeafEntry) {
  const NodeAddress address{kLeafLevel, 3};
  const Bytes context = NodeContext(kTenant, address, 7);
  EXPECT_EQ(ToHex(context),
            "636173656d6174652f6b65792d74726565407631202122232425262728292a2b2c2d2e2f02"
            "000000030000000000000007");
  ObjectEntry object;
  object.id = kObject;
  object.collection = kCollection;
  object.kind = policy::ObjectKind::kAttachment;
  object.label = policy::Label::kConfidential;
  object.source = 770;
  object.created = 1'767'225'600;
  Result<KeyNode> node = KeyNode::Empty(address);
  ASSERT_TRUE(node.has_value());
  node->SetObject(3, object, Secret());
  const Key sealing_key = std::move(*Key::Random());
  const Result<Bytes> sealed = node->Seal(sealing_key, kTenant, 7);
  ASSERT_TRUE(sealed.has_value());
  EXPECT_EQ(sealed->size(), 24U + 32 + 24576 + 2 * 16);

  // The documented context opens it, and entry 3 is the documented one.
  const Result<Plaintext> plain = crypto::OpenRaw(sealing_key, context, *sealed);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(ToHex(plain->view().RevealBytes().subspan(3 * kLeafEntrySize, kLeafEntrySize)),
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
            "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f"
            "050201000000000100000302000000006955b900000000000000000000000000");
}

TEST(FormatVectorsTest, MessagesOfARelease) {
  TicketRequest ticket;
  ticket.principal = IdFrom<PrincipalId>(0x50);
  ticket.key = IdFrom<KeyId>(0x70);
  ticket.justification = policy::Justification::kCustomerInitiatedAccess;
  ticket.actions = policy::Action::kRead | policy::Action::kSearch;
  ticket.label = policy::Label::kConfidential;
  ticket.collections = {kCollection};
  ticket.max_objects = 100;
  ticket.duration_ms = 60'000;
  EXPECT_EQ(HexOf(ticket),
            "505152535455565758595a5b5c5d5e5f707172737475767778797a7b7c7d7e7f05010006"
            "0200000001404142434445464748494a4b4c4d4e4f0000000064000000000000ea60"
            "000000000000000000000000000000000000000000000000000000000000000000000000");

  OpenRequest open;
  open.ticket = kTicket;
  open.purpose = policy::Purpose::kChunks;
  open.objects = {{kObject, 771}};
  EXPECT_EQ(HexOf(open),
            "606162636465666768696a6b6c6d6e6f0300000001303132333435363738393a3b3c3d3e3f00000303");

  OpenReply opened;
  opened.lease_ms = 30'000;
  opened.keys.push_back(Secret());
  opened.labels = {policy::Label::kConfidential};
  EXPECT_EQ(HexOf(opened),
            "0000753000000001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
            "0000000102");

  CreateObjectsRequest create;
  create.ticket = kTicket;
  NewObject object;
  object.kind = policy::ObjectKind::kAttachment;
  object.label = policy::Label::kConfidential;
  object.collection = kCollection;
  object.sources = {{kObject, 770}};
  create.objects.push_back(object);
  create.purposes = {policy::Purpose::kChunks, policy::Purpose::kVectors};
  EXPECT_EQ(HexOf(create),
            "606162636465666768696a6b6c6d6e6f000000010502404142434445464748494a4b4c4d4e4f"
            "00000001303132333435363738393a3b3c3d3e3f00000302000000020304");
}

}  // namespace
}  // namespace casemate::custody
