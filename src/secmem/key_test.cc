#include "secmem/key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

namespace casemate {
namespace {

bool IsZero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

TEST(KeyTest, RandomKeysDiffer) {
  Result<Key> a = Key::Random();
  Result<Key> b = Key::Random();
  ASSERT_TRUE(a.has_value() && b.has_value());
  EXPECT_NE(std::memcmp(a->view().RevealKey().data(), b->view().RevealKey().data(), kKeySize), 0);
}

TEST(KeyTest, ReleasedSlotIsZeroBeforeItIsUsedAgain) {
  Result<Key> key = Key::Random();
  ASSERT_TRUE(key.has_value());
  const std::byte* slot = key->view().RevealKey().data();
  ASSERT_FALSE(IsZero({slot, kKeySize}));
  {
    const Key gone = std::move(*key);
  }
  EXPECT_TRUE(IsZero({slot, kKeySize}));  // the arena stays mapped
  Result<Key> next = Key::Zeroed();
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->view().RevealKey().data(), slot);
  EXPECT_TRUE(IsZero(next->view().RevealKey()));
}

TEST(KeyTest, TakeFromZeroesTheSource) {
  std::array<std::byte, kKeySize> source;
  source.fill(std::byte{0x42});
  Result<Key> key = Key::TakeFrom(source);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->view().RevealKey()[31], std::byte{0x42});
  EXPECT_TRUE(IsZero(source));
}

TEST(KeyTest, TakeFromRefusesOtherSizesAndLeavesThemAlone) {
  for (std::size_t size : {std::size_t{0}, kKeySize - 1, kKeySize + 1}) {
    Bytes source(size, std::byte{1});
    Result<Key> key = Key::TakeFrom(source);
    ASSERT_FALSE(key.has_value());
    EXPECT_EQ(key.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(source, Bytes(size, std::byte{1}));
  }
}

TEST(KeyTest, CopyHasItsOwnSlot) {
  Result<Key> key = Key::Random();
  ASSERT_TRUE(key.has_value());
  Result<Key> copy = Key::Copy(*key);
  ASSERT_TRUE(copy.has_value());
  EXPECT_NE(copy->view().RevealKey().data(), key->view().RevealKey().data());
  EXPECT_TRUE(std::ranges::equal(copy->view().RevealKey(), key->view().RevealKey()));
}

TEST(KeyTest, AssignmentReleasesTheOldKey) {
  Result<Key> a = Key::Random();
  Result<Key> b = Key::Random();
  ASSERT_TRUE(a.has_value() && b.has_value());
  const std::byte* old = a->view().RevealKey().data();
  *a = std::move(*b);
  EXPECT_TRUE(IsZero({old, kKeySize}));
  EXPECT_FALSE(IsZero(a->view().RevealKey()));
}

TEST(KeyTest, ThreadsNeverShareASlot) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int round = 0; round < 200; ++round) {
        std::vector<Key> keys;
        for (int n = 0; n < 20; ++n) {
          Result<Key> key = Key::Zeroed();
          ASSERT_TRUE(key.has_value());
          std::ranges::fill(key->mutable_bytes(), static_cast<std::byte>(i + 1));
          keys.push_back(std::move(*key));
        }
        for (const Key& key : keys) {
          ASSERT_TRUE(std::ranges::all_of(key.view().RevealKey(), [i](std::byte b) {
            return b == static_cast<std::byte>(i + 1);
          }));
        }
      }
    });
  }
}

}  // namespace
}  // namespace casemate
