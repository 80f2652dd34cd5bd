#include "crypto/signature.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace casemate::crypto {
namespace {

Key Seed(std::string_view hex) {
  Bytes bytes = FromHex(hex).value();
  return std::move(Key::TakeFrom(bytes).value());
}

TEST(SigningKeyTest, Ed25519AgreesWithRfc8032) {
  // RFC 8032, section 7.1, TEST 1 and TEST 3.
  struct Case {
    const char* seed;
    const char* public_key;
    const char* message;
    const char* signature;
  };
  for (const Case& c :
       {Case{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
             "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
             "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
             "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        Case{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
             "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
             "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
             "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"}}) {
    const Result<SigningKey> key = SigningKey::FromSeed(SignatureAlgorithm::kEd25519, Seed(c.seed));
    ASSERT_TRUE(key.has_value()) << key.error().detail;
    EXPECT_EQ(ToHex(key->public_key()), c.public_key);
    const Bytes message = FromHex(c.message).value();
    EXPECT_EQ(ToHex(key->Sign(message).value()), c.signature);
  }
}

TEST(SigningKeyTest, MlDsa44PublicKeyAgreesWithWycheproof) {
  // Wycheproof mldsa_44_sign_seed_test.json, first group: the ends of its public key. The first 32
  // bytes are rho, the last ones the high bits of t, which depend on the whole of key generation.
  const Result<SigningKey> key = SigningKey::FromSeed(
      SignatureAlgorithm::kMlDsa44,
      Seed("2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a"));
  ASSERT_TRUE(key.has_value()) << key.error().detail;
  const std::string hex = ToHex(key->public_key());
  EXPECT_EQ(hex.size(), 2 * 1312U);
  EXPECT_TRUE(hex.starts_with("db9ac67708f2ba0fac1f92bd802f9be89ecab966feef59872a1a9ac90b111117"));
  EXPECT_TRUE(hex.ends_with("723c274388a532abe29dd7023e327085f4c9dda41839b7b3357ab9d"));
}

class SigningKeyRoundTripTest : public testing::TestWithParam<SignatureAlgorithm> {};

TEST_P(SigningKeyRoundTripTest, SignatureVerifies) {
  const Result<SigningKey> key = SigningKey::FromSeed(GetParam(), Key::Random().value());
  ASSERT_TRUE(key.has_value()) << key.error().detail;
  EXPECT_EQ(key->algorithm(), GetParam());
  const Result<Bytes> signature = key->Sign(AsBytes("message"));
  ASSERT_TRUE(signature.has_value()) << signature.error().detail;
  const Result<void> verified =
      Verify(GetParam(), key->public_key(), AsBytes("message"), *signature);
  EXPECT_TRUE(verified.has_value()) << verified.error().detail;
}

TEST_P(SigningKeyRoundTripTest, SameSeedGivesSamePublicKey) {
  const Key seed = std::move(Key::Random().value());
  EXPECT_EQ(SigningKey::FromSeed(GetParam(), seed).value().public_key(),
            SigningKey::FromSeed(GetParam(), seed).value().public_key());
}

TEST_P(SigningKeyRoundTripTest, ChangedMessageSignatureOrKeyDoesNotVerify) {
  const SigningKey key = std::move(SigningKey::FromSeed(GetParam(), Key::Random().value()).value());
  const SigningKey other =
      std::move(SigningKey::FromSeed(GetParam(), Key::Random().value()).value());
  Bytes signature = key.Sign(AsBytes("message")).value();
  const auto code = [&](const Bytes& public_key, std::string_view message, ByteView of) {
    const Result<void> verified = Verify(GetParam(), public_key, AsBytes(message), of);
    return verified ? ErrorCode::kUnavailable : verified.error().code;
  };
  EXPECT_EQ(code(key.public_key(), "messagf", signature), ErrorCode::kIntegrityFailure);
  EXPECT_EQ(code(other.public_key(), "message", signature), ErrorCode::kIntegrityFailure);
  EXPECT_EQ(code(key.public_key(), "message", ByteView(signature).first(signature.size() - 1)),
            ErrorCode::kIntegrityFailure);
  EXPECT_EQ(code(key.public_key(), "message", {}), ErrorCode::kIntegrityFailure);
  signature[signature.size() / 2] ^= std::byte{1};
  EXPECT_EQ(code(key.public_key(), "message", signature), ErrorCode::kIntegrityFailure);
}

TEST_P(SigningKeyRoundTripTest, VerifyRefusesKeysOfAnotherSize) {
  for (const std::size_t size : {0UL, 31UL, 33UL, 1311UL, 1313UL}) {
    const Result<void> verified = Verify(GetParam(), Bytes(size), {}, {});
    ASSERT_FALSE(verified.has_value());
    EXPECT_EQ(verified.error().code, ErrorCode::kInvalidArgument);
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, SigningKeyRoundTripTest,
                         testing::Values(SignatureAlgorithm::kEd25519,
                                         SignatureAlgorithm::kMlDsa44));

TEST(SigningKeyTest, RefusesUnknownAlgorithm) {
  const auto unknown = static_cast<SignatureAlgorithm>(9);
  EXPECT_FALSE(SigningKey::FromSeed(unknown, Key::Random().value()).has_value());
  EXPECT_FALSE(Verify(unknown, Bytes(32), {}, {}).has_value());
}

}  // namespace
}  // namespace casemate::crypto
