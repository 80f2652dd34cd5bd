#include "retrieval/vault.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "retrieval/derived_release_client.h"

// The vectors of docs/formats/store.md, computed with Python's hmac, hashlib and struct.
namespace casemate::retrieval {
namespace {

template <typename IdType>
IdType Counting(unsigned char first) {
  typename IdType::Array bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(first + i);
  }
  return IdType(bytes);
}

TEST(StoreFormatTest, ContextIsAsSpecified) {
  const storage::Place place{.tenant = Counting<TenantId>(0x10),
                             .object = Counting<ObjectId>(0x20),
                             .part = storage::Part::kChunks,
                             .index = 2};
  EXPECT_EQ(ToHex(storage::SealContext(place)),
            "636173656d6174652f73746f7265407631101112131415161718191a1b1c1d1e1f"
            "202122232425262728292a2b2c2d2e2f030500000002");
}

TEST(StoreFormatTest, ContextsOfDifferentPlacesDiffer) {
  const storage::Place place{.tenant = Counting<TenantId>(1), .object = Counting<ObjectId>(2)};
  storage::Place tenant = place;
  tenant.tenant = Counting<TenantId>(3);
  storage::Place object = place;
  object.object = Counting<ObjectId>(3);
  storage::Place part = place;
  part.part = storage::Part::kAttachmentMetadata;
  storage::Place index = place;
  index.index = 1;
  for (const storage::Place& other : {tenant, object, part, index}) {
    EXPECT_NE(storage::SealContext(other), storage::SealContext(place));
  }
}

TEST(StoreFormatTest, FileMetadataIsAsSpecified) {
  FileMetadata metadata;
  metadata.name = Plaintext::Copy(std::string_view("a.md"));
  metadata.purpose = "assistants";
  metadata.bytes = 11;
  metadata.label = policy::Label::kConfidential;
  EXPECT_EQ(ToHex(ipc::Encode(metadata).view().RevealBytes()),
            "0100000004612e6d640000000a617373697374616e7473000000000000000b02");
}

TEST(StoreFormatTest, TagsAreAsSpecified) {
  DerivedReleaseClient client;  // its keys: SHA-256(object id || purpose)
  const Vault vault(client, Counting<TenantId>(0x10), {Counting<ObjectId>(0), 0});
  const custody::Ticket ticket = std::move(*client.Request({}));
  const PlaintextView name = PlaintextView::Of("a.md");
  EXPECT_EQ(ToHex(*vault.CollectionNameTag(ticket, PlaintextView::Of("notes"))),
            "711ff47847b4dbe35b04eeff1255b4d546b7f92db567151b8ab817c624317097");
  const Result<storage::Tag> name_tag =
      vault.DocumentNameTag(ticket, Counting<CollectionId>(0x30), name);
  ASSERT_TRUE(name_tag.has_value());
  EXPECT_EQ(ToHex(*name_tag), "03ca8bbebbe0c2ff9cc11b015287af50825d4b453b2cdea8f93715e813a4396a");
  EXPECT_EQ(
      ToHex(*vault.ChangeTag(ticket, *name_tag, "pipeline@v1/casemate-embed/64/80",
                             policy::Label::kConfidential, crypto::Sha256(AsBytes("some words")))),
      "5cbcdb38b4cc961a0a7374653ca24babbcc8d0fb84f3fd925d3289e83652cf94");
}

TEST(VaultTest, RecordOfANewerVersionIsRefusedByName) {
  DerivedReleaseClient client;
  const Vault vault(client, Counting<TenantId>(1), {});
  const custody::Ticket ticket = std::move(*client.Request({}));
  const custody::ObjectRef object{Counting<ObjectId>(2), 0};
  const auto lease = vault.OpenOne(ticket, policy::Purpose::kMetadata, object, "x");
  ASSERT_TRUE(lease.has_value());
  CollectionMetadata metadata;
  metadata.version = 2;
  const storage::Place place = vault.PlaceOf(object.id, storage::Part::kCollectionMetadata);
  const Result<Bytes> sealed = vault.Seal(*lease, place, metadata);
  ASSERT_TRUE(sealed.has_value());
  const auto opened = vault.Open<CollectionMetadata>(*lease, place, "vs_x", *sealed);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(opened.error().message.find("vs_x"), std::string::npos);
}

// The bytes that docs/formats/store.md gives for chunks of version 1.
TEST(VaultTest, ChunksOfVersionOneAreStillRead) {
  ChunkSegment segment;
  segment.version = 1;
  segment.segments = 1;
  segment.name = Plaintext::Copy("a.md");
  segment.chunks.push_back(
      {.heading = Plaintext::Copy("H"), .text = Plaintext::Copy("t"), .begin = 3, .end = 4});
  segment.pages = {7};  // not written: version 1 has none
  const Plaintext encoded = ipc::Encode(segment);
  // version, file, collection, segments, name, title, count, heading, text, begin, end.
  EXPECT_EQ(encoded.size(), 1U + 16 + 16 + 4 + 8 + 4 + 4 + 5 + 5 + 4 + 4);
  const Result<ChunkSegment> read = ipc::Decode<ChunkSegment>(encoded);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->chunks.size(), 1U);
  EXPECT_TRUE(read->pages.empty());
}

}  // namespace
}  // namespace casemate::retrieval
