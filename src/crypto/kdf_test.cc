#include "crypto/kdf.h"

#include <gtest/gtest.h>

#include <array>

#include "crypto/kdf_internal.h"
#include "crypto/vector_file_test.h"

namespace casemate::crypto {
namespace {

TEST(HkdfSha512Test, AgreesWithWycheproof) {
  int valid = 0;
  int invalid = 0;
  for (const Vector& vector : ReadVectors("hkdf_sha512.txt")) {
    SCOPED_TRACE("tcId " + vector.Text("tcId"));
    const Result<SecretBuffer> out = HkdfSha512(
        vector.Hex("ikm"), vector.Hex("salt"), vector.Hex("info"), std::stoul(vector.Text("size")));
    if (vector.valid()) {
      ++valid;
      ASSERT_TRUE(out.has_value()) << out.error().message;
      EXPECT_EQ(ToHex(out->RevealBytes()), vector.Text("okm"));
    } else {
      ++invalid;
      ASSERT_FALSE(out.has_value());
      EXPECT_EQ(out.error().code, ErrorCode::kInvalidArgument);
    }
  }
  EXPECT_GT(valid, 50);
  EXPECT_GT(invalid, 0);
}

TEST(HkdfSha512Test, RefusesEmptyOutput) {
  EXPECT_FALSE(HkdfSha512(AsBytes("key"), {}, {}, 0).has_value());
}

TEST(HkdfExpandKeyTest, AgreesWithAnotherImplementation) {
  // Python 3: hmac.new(bytes(range(32)), b"casemate/test\x01", "sha512").digest()[:32]
  Bytes bytes;
  for (int i = 0; i < 32; ++i) {
    bytes.push_back(static_cast<std::byte>(i));
  }
  const Result<Key> key = Key::TakeFrom(bytes);
  ASSERT_TRUE(key.has_value());
  const Result<Key> out = HkdfExpandKey(*key, AsBytes("casemate/test"));
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(ToHex(out->view().RevealKey()),
            "21aea274906dbf9831df796973b3dd99bfd2299ee23da9e2d74902fa4ce2dc7d");
}

TEST(HkdfExpandKeyTest, RefusesInfoOver32KiB) {
  const Result<Key> key = Key::Random();
  ASSERT_TRUE(key.has_value());
  EXPECT_TRUE(HkdfExpandKey(*key, Bytes(32 * 1024)).has_value());
  const Result<Key> out = HkdfExpandKey(*key, Bytes((32 * 1024) + 1));
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().code, ErrorCode::kInvalidArgument);
}

TEST(Argon2idTest, AgreesWithRfc9106) {
  // RFC 9106, section 5.3.
  std::array<std::byte, 32> tag;
  const auto done = internal::Argon2idInto(Bytes(32, std::byte{1}), Bytes(16, std::byte{2}),
                                           Bytes(8, std::byte{3}), Bytes(12, std::byte{4}),
                                           {.memory_kib = 32, .passes = 3, .lanes = 4}, tag);
  ASSERT_TRUE(done.has_value()) << done.error().detail;
  EXPECT_EQ(ToHex(tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

TEST(Argon2idTest, EveryInputMatters) {
  const Argon2Parameters base{.memory_kib = 64, .passes = 2, .lanes = 2};
  const Bytes salt(16, std::byte{2});
  const auto hex = [](const Result<Key>& key) { return ToHex(key.value().view().RevealKey()); };
  const std::string expected = hex(Argon2id(AsBytes("passphrase"), salt, base));
  EXPECT_EQ(hex(Argon2id(AsBytes("passphrase"), salt, base)), expected);
  EXPECT_NE(hex(Argon2id(AsBytes("passphrasf"), salt, base)), expected);
  EXPECT_NE(hex(Argon2id(AsBytes("passphrase"), Bytes(16, std::byte{3}), base)), expected);
  for (const Argon2Parameters& other :
       {Argon2Parameters{128, 2, 2}, Argon2Parameters{64, 3, 2}, Argon2Parameters{64, 2, 1}}) {
    EXPECT_NE(hex(Argon2id(AsBytes("passphrase"), salt, other)), expected);
  }
}

TEST(Argon2idTest, RefusesParametersOutOfRange) {
  const Bytes salt(16);
  for (const Argon2Parameters& p :
       {Argon2Parameters{7, 1, 1}, Argon2Parameters{15, 1, 2}, Argon2Parameters{64, 0, 1},
        Argon2Parameters{64, 65, 1}, Argon2Parameters{64, 1, 0}, Argon2Parameters{1024, 1, 17},
        Argon2Parameters{4'194'305, 1, 1}}) {
    const Result<Key> key = Argon2id(AsBytes("passphrase"), salt, p);
    ASSERT_FALSE(key.has_value());
    EXPECT_EQ(key.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(Argon2id(AsBytes("passphrase"), Bytes(15), {64, 1, 1}).has_value());
}

}  // namespace
}  // namespace casemate::crypto
