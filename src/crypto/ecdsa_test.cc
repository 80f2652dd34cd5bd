#include "crypto/ecdsa.h"

#include <gtest/gtest.h>

#include "crypto/test_authority.h"

namespace casemate::crypto {
namespace {

// SEC 2: the orders of P-256 and P-384.
constexpr const char* kOrder256 =
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

TEST(EcdsaTest, VerifiesTheVectorOfRfc6979) {
  // RFC 6979, A.2.5 (P-256, SHA-256, "sample") and A.2.6 (P-384, SHA-384, "sample").
  const Bytes point256 = FromHex(
                             "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                             "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299")
                             .value();
  const Bytes signature256 = FromHex(
                                 "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                                 "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8")
                                 .value();
  EXPECT_TRUE(
      VerifyEcdsa(EcCurve::kP256, HashAlgorithm::kSha256, point256, AsBytes("sample"), signature256)
          .has_value());
  EXPECT_FALSE(
      VerifyEcdsa(EcCurve::kP256, HashAlgorithm::kSha256, point256, AsBytes("simple"), signature256)
          .has_value());
  const Bytes point384 = FromHex(
                             "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f"
                             "0ea9055866064a25451548"
                             "0bc138015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1"
                             "288b231c3ae0d4fe7344fd2"
                             "533264720")
                             .value();
  const Bytes signature384 = FromHex(
                                 "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c8"
                                 "1a648152e44acf96e36dd1e80f"
                                 "abe4699ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3"
                                 "a94fa329c145786e679e7b82c71"
                                 "a38628ac8")
                                 .value();
  EXPECT_TRUE(
      VerifyEcdsa(EcCurve::kP384, HashAlgorithm::kSha384, point384, AsBytes("sample"), signature384)
          .has_value());
}

TEST(EcdsaTest, NumbersOutOfRangeAreRefused) {
  const TestKey key = TestKey::Ec(EcCurve::kP256);
  const Bytes good = key.Sign(EcCurve::kP256, HashAlgorithm::kSha256, AsBytes("m"));
  const Bytes order = FromHex(kOrder256).value();
  for (const std::size_t at : {std::size_t{0}, std::size_t{32}}) {
    for (const Bytes& number : {Bytes(32), order, Bytes(32, std::byte{0xFF})}) {
      Bytes bad = good;
      std::ranges::copy(number, bad.begin() + static_cast<std::ptrdiff_t>(at));
      Result<void> verified =
          VerifyEcdsa(EcCurve::kP256, HashAlgorithm::kSha256, key.point(), AsBytes("m"), bad);
      ASSERT_FALSE(verified.has_value());
      EXPECT_EQ(verified.error().code, ErrorCode::kIntegrityFailure);
    }
  }
}

TEST(EcdsaTest, EveryBitOfSignatureCounts) {
  const TestKey key = TestKey::Ec(EcCurve::kP384);
  const Bytes good = key.Sign(EcCurve::kP384, HashAlgorithm::kSha384, AsBytes("m"));
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{1};
    EXPECT_FALSE(
        VerifyEcdsa(EcCurve::kP384, HashAlgorithm::kSha384, key.point(), AsBytes("m"), bad));
  }
}

TEST(EcdsaTest, APointOffTheCurveIsRefused) {
  const TestKey key = TestKey::Ec(EcCurve::kP256);
  const Bytes signature = key.Sign(EcCurve::kP256, HashAlgorithm::kSha256, AsBytes("m"));
  Bytes point = key.point();
  point.back() ^= std::byte{1};
  for (const Bytes& bad : {point, Bytes(64), Bytes(65, std::byte{4}), Bytes(63), Bytes()}) {
    Result<void> verified =
        VerifyEcdsa(EcCurve::kP256, HashAlgorithm::kSha256, bad, AsBytes("m"), signature);
    ASSERT_FALSE(verified.has_value());
    EXPECT_EQ(verified.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(EcdsaTest, ASignatureOfAnotherSizeIsRefused) {
  const TestKey key = TestKey::Ec(EcCurve::kP256);
  Bytes signature = key.Sign(EcCurve::kP256, HashAlgorithm::kSha256, AsBytes("m"));
  signature.push_back(std::byte{0});
  EXPECT_FALSE(
      VerifyEcdsa(EcCurve::kP256, HashAlgorithm::kSha256, key.point(), AsBytes("m"), signature));
}

TEST(Sha2Test, GivesTheVectorsOfFips180) {
  EXPECT_EQ(
      ToHex(Hash(HashAlgorithm::kSha384, AsBytes("abc"))),
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c"
      "825a7");
  EXPECT_EQ(
      ToHex(Hash(HashAlgorithm::kSha512, AsBytes("abc"))),
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3"
      "feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

}  // namespace
}  // namespace casemate::crypto
