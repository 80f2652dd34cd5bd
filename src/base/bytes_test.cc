#include "base/bytes.h"

#include <gtest/gtest.h>

namespace casemate {
namespace {

// RFC 4648 section 10.
TEST(BytesTest, Base64MatchesTheRfcVectors) {
  EXPECT_EQ(ToBase64(AsBytes("")), "");
  EXPECT_EQ(ToBase64(AsBytes("f")), "Zg==");
  EXPECT_EQ(ToBase64(AsBytes("fo")), "Zm8=");
  EXPECT_EQ(ToBase64(AsBytes("foobar")), "Zm9vYmFy");
}

TEST(BytesTest, Base32MatchesTheRfcVectorsInLowerCaseWithoutPadding) {
  EXPECT_EQ(ToBase32(AsBytes("f")), "my");
  EXPECT_EQ(ToBase32(AsBytes("foob")), "mzxw6yq");
  EXPECT_EQ(ToBase32(AsBytes("foobar")), "mzxw6ytboi");
}

TEST(BytesTest, DecodingReversesEncoding) {
  Bytes bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(FromHex(ToHex(bytes)).value(), bytes);
    EXPECT_EQ(FromBase64(ToBase64(bytes)).value(), bytes);
    EXPECT_EQ(FromBase32(ToBase32(bytes)).value(), bytes);
    bytes.push_back(static_cast<std::byte>(i * 7));
  }
}

TEST(BytesTest, DecodersRefuseWhatNoEncoderWrites) {
  for (const char* text : {"Zg=", "Zg", "Zh==", "Z===", "====", "Zg==Zg==", "Zm8 "}) {
    EXPECT_FALSE(FromBase64(text).has_value()) << text;
  }
  for (const char* text : {"m", "mz", "MY", "m1", "my======"}) {
    EXPECT_FALSE(FromBase32(text).has_value()) << text;
  }
  EXPECT_FALSE(FromHex("abc").has_value());
  EXPECT_FALSE(FromHex("zz").has_value());
}

TEST(BytesTest, IntegersAreBigEndian) {
  Bytes bytes;
  PutU64(bytes, 0x0102030405060708);
  EXPECT_EQ(ToHex(bytes), "0102030405060708");
  EXPECT_EQ(GetU64(bytes), 0x0102030405060708U);
  EXPECT_EQ(GetU16(bytes, 6), 0x0708U);
}

}  // namespace
}  // namespace casemate
