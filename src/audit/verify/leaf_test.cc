#include "audit/verify/leaf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "audit/verify/test_log.h"

namespace casemate::audit {
namespace {

using testing::HasSubstr;

TEST(LeafTest, EveryFieldComesBack) {
  Leaf leaf = TestLeaf(7);
  leaf.type = LeafType::kRefusal;
  leaf.ticket.fill(std::byte{0x33});
  leaf.label = 3;
  leaf.purpose = 10;
  leaf.rule = 13;
  leaf.count = 0xfffffffe;
  leaf.max_objects = 1;
  leaf.max_partitions = 2;
  leaf.duration_ms = 3;
  leaf.epoch = 0xfedcba9876543210;
  leaf.objects.fill(std::byte{0x44});
  leaf.request.fill(std::byte{0x55});
  const Bytes bytes = EncodeLeaf(leaf);
  ASSERT_EQ(bytes.size(), kLeafSize);

  const Result<Leaf> read = DecodeLeaf(bytes);

  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->type, leaf.type);
  EXPECT_EQ(read->unix_ms, leaf.unix_ms);
  EXPECT_EQ(read->ticket, leaf.ticket);
  EXPECT_EQ(read->rule, 13);
  EXPECT_EQ(read->count, leaf.count);
  EXPECT_EQ(read->max_partitions, 2U);
  EXPECT_EQ(read->duration_ms, 3U);
  EXPECT_EQ(read->epoch, leaf.epoch);
  EXPECT_EQ(read->objects, leaf.objects);
  EXPECT_EQ(read->request, leaf.request);
  EXPECT_EQ(EncodeLeaf(*read), bytes);
}

TEST(LeafTest, AnyOtherSizeIsRefused) {
  Bytes bytes = EncodeLeaf(TestLeaf(1));
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(DecodeLeaf(bytes).has_value());
  bytes.resize(kLeafSize - 1);
  EXPECT_FALSE(DecodeLeaf(bytes).has_value());
  EXPECT_FALSE(DecodeLeaf({}).has_value());
}

TEST(LeafTest, NumbersOutOfRangeAreRefusedByName) {
  struct Case {
    std::size_t offset;
    std::uint8_t value;
    std::string_view name;
  };
  // Offsets of docs/formats/audit_leaf.md.
  for (const Case& wrong : std::initializer_list<Case>{{0, 2, "version"},
                                                       {1, 0, "type"},
                                                       {1, 14, "type"},
                                                       {2, 0x80, "time"},
                                                       {106, 12, "justification"},
                                                       {106, 102, "justification"},
                                                       {107, 5, "level"},
                                                       {108, 1, "actions"},
                                                       {109, 0x40, "actions"},
                                                       {110, 4, "label"},
                                                       {111, 11, "purpose"},
                                                       {112, 14, "rule"}}) {
    Bytes bytes = EncodeLeaf(TestLeaf(1));
    bytes[wrong.offset] = std::byte{wrong.value};
    const Result<Leaf> read = DecodeLeaf(bytes);
    ASSERT_FALSE(read.has_value()) << wrong.name;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(read.error().message, HasSubstr(wrong.name));
  }
}

TEST(LeafTest, WhatIsReadIsWhatWouldBeWrittenForEveryByte) {
  const Bytes bytes = EncodeLeaf(TestLeaf(3));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i] ^= std::byte{0xff};
    if (const Result<Leaf> read = DecodeLeaf(changed); read) {
      EXPECT_EQ(EncodeLeaf(*read), changed) << i;
    }
  }
}

TEST(LeafTest, NumbersOfVersion2MakeItVersion2AndAreReadBack) {
  for (const int changed : {0, 1, 2}) {
    Leaf leaf = TestLeaf(1);
    leaf.type = changed == 0 ? LeafType::kGrantRemoved : leaf.type;
    leaf.label = changed == 1 ? 15 : leaf.label;
    leaf.rule = changed == 2 ? 15 : leaf.rule;
    const Bytes bytes = EncodeLeaf(leaf);
    EXPECT_EQ(bytes[0], std::byte{2}) << changed;
    const Result<Leaf> read = DecodeLeaf(bytes);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(EncodeLeaf(*read), bytes);
  }
}

TEST(LeafTest, NumbersOutOfVersion2AreRefusedByName) {
  struct Case {
    std::size_t offset;
    std::uint8_t value;
    std::string_view name;
  };
  for (const Case& wrong : std::initializer_list<Case>{{0, 1, "type"},
                                                       {0, 3, "version"},
                                                       {1, 23, "type"},
                                                       {110, 16, "label"},
                                                       {112, 16, "rule"}}) {
    Leaf leaf = TestLeaf(1);
    leaf.type = LeafType::kGrantAdded;
    Bytes bytes = EncodeLeaf(leaf);
    bytes[wrong.offset] = std::byte{wrong.value};
    const Result<Leaf> read = DecodeLeaf(bytes);
    ASSERT_FALSE(read.has_value()) << wrong.name;
    EXPECT_THAT(read.error().message, HasSubstr(wrong.name));
  }
}

TEST(LeafTest, EveryTypeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int type = 1; type <= kLastLeafType; ++type) {
    names.insert(LeafTypeName(static_cast<LeafType>(type)));
  }
  EXPECT_EQ(names.size(), kLastLeafType);
  EXPECT_EQ(LeafTypeName(LeafType::kTicketClosed), "ticket_closed");
  EXPECT_EQ(LeafTypeName(static_cast<LeafType>(0)), "unknown");
  EXPECT_EQ(LeafTypeName(static_cast<LeafType>(23)), "unknown");
}

}  // namespace
}  // namespace casemate::audit
