#include "attestation/cbor/value.h"

#include <gtest/gtest.h>

namespace casemate::attestation::cbor {
namespace {

Result<Value> Hex(std::string_view hex) { return Read(FromHex(hex).value()); }

TEST(CborTest, ReadsTheExamplesOfRfc8949) {
  // RFC 8949, appendix A.
  EXPECT_TRUE(Hex("1903e8")->IsInteger(1000));
  EXPECT_TRUE(Hex("3903e7")->IsInteger(-1000));
  EXPECT_EQ(Hex("4401020304")->bytes.size(), 4U);
  EXPECT_TRUE(Hex("6449455446")->IsText("IETF"));
  EXPECT_EQ(Hex("83010203")->items.size(), 3U);
  EXPECT_TRUE(Hex("a201020304")->Get(3)->IsInteger(4));
  EXPECT_EQ(Hex("a201020304")->Get(2), nullptr);
  EXPECT_EQ(Hex("c11a514b67b0")->number, 1U);
  EXPECT_EQ(Hex("d240")->number, 18U) << "short tags that libcbor itself refuses";
  EXPECT_EQ(Hex("f5")->kind, Value::Kind::kOther);
}

TEST(CborTest, WhatPromisesMoreThanThereIsIsRefused) {
  for (const char* bad :
       {"", "18", "1a0102", "44010203", "64", "8301", "a101", "9bffffffffffffffff",
        "bb7fffffffffffffff", "5bffffffffffffffff", "9a10000000", "c1", "1c", "1f"}) {
    EXPECT_FALSE(Hex(bad).has_value()) << bad;
  }
}

TEST(CborTest, IndefiniteDuplicateDeepAndTrailingAreRefused) {
  EXPECT_FALSE(Hex("9f01ff").has_value());
  EXPECT_FALSE(Hex("5f4101ff").has_value());
  EXPECT_FALSE(Hex("a201020103").has_value()) << "a key twice";
  EXPECT_FALSE(Hex("a26161016161"
                   "02")
                   .has_value())
      << "a text key twice";
  EXPECT_FALSE(Hex("a1810102").has_value()) << "an array as key";
  EXPECT_FALSE(Hex("0101").has_value());
  std::string deep;
  for (int i = 0; i < 40; ++i) {
    deep += "81";
  }
  EXPECT_FALSE(Hex(deep + "01").has_value());
}

TEST(CborTest, HeadsAreTheShortest) {
  const std::pair<std::uint64_t, const char*> cases[] = {
      {0, "40"},
      {23, "57"},
      {24, "5818"},
      {255, "58ff"},
      {256, "590100"},
      {65536, "5a00010000"},
      {std::uint64_t{1} << 32, "5b0000000100000000"}};
  for (const auto& [size, hex] : cases) {
    Bytes out;
    PutHead(out, 2, size);
    EXPECT_EQ(ToHex(out), hex);
  }
}

}  // namespace
}  // namespace casemate::attestation::cbor
