#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/id.h"

namespace casemate::crypto {
namespace {

// FIPS 180-4 examples (NIST CSRC, "SHA256.pdf").
constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kTwoBlocks[] = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";

TEST(Sha256Test, AgreesWithFips180) {
  EXPECT_EQ(ToHex(Sha256(AsBytes("abc"))), kAbc);
  EXPECT_EQ(ToHex(Sha256(AsBytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            kTwoBlocks);
  EXPECT_EQ(ToHex(Sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256Test, PartsHashAsTheWhole) {
  EXPECT_EQ(ToHex(Sha256(AsBytes("a"), AsBytes("bc"))), kAbc);
  Sha256Stream stream;
  for (const char* part : {"ab", "", "c"}) {
    stream.Update(AsBytes(part));
  }
  EXPECT_EQ(ToHex(stream.Finish()), kAbc);
}

TEST(HmacSha256Test, AgreesWithRfc4231PaddedToOurKeySize) {
  // RFC 4231 test case 1: HMAC pads a short key with zeros to the block, so 20 bytes of 0x0b and 12
  // zeros are the same key.
  Bytes key_bytes(20, std::byte{0x0b});
  key_bytes.resize(kKeySize);
  const Result<Key> key = Key::TakeFrom(key_bytes);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(ToHex(HmacSha256(*key, AsBytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

TEST(EqualConstantTimeTest, NeedsSameSizeAndBytes) {
  EXPECT_TRUE(EqualConstantTime({}, {}));
  EXPECT_TRUE(EqualConstantTime(AsBytes("abc"), AsBytes("abc")));
  EXPECT_FALSE(EqualConstantTime(AsBytes("abc"), AsBytes("abd")));
  EXPECT_FALSE(EqualConstantTime(AsBytes("abc"), AsBytes("abcd")));
}

TEST(FillRandomTest, FillsLargeBuffersToTheEnd) {
  Bytes bytes(100'000);
  FillRandom(bytes);
  // 32 zero bytes at the end have a chance of 2^-256.
  EXPECT_FALSE(
      std::all_of(bytes.end() - 32, bytes.end(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST(RandomIdTest, IdsDiffer) {
  std::set<TenantId> ids;
  for (int i = 0; i < 100; ++i) {
    ids.insert(RandomId<TenantId>());
  }
  EXPECT_EQ(ids.size(), 100U);
}

}  // namespace
}  // namespace casemate::crypto
