#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>

#include "custody/server/token.h"

// What every Token must do. An implementation's test instantiates the suite with a factory.
namespace casemate::custody {

using TokenFactory = std::function<std::unique_ptr<Token>()>;

class TokenContractTest : public testing::TestWithParam<TokenFactory> {
 protected:
  void SetUp() override {
    token_ = GetParam()();
    ASSERT_NE(token_, nullptr);
  }
  static Key SomeKey() { return std::move(*Key::Random()); }
  static bool Same(KeyView a, KeyView b) {
    return std::memcmp(a.RevealKey().data(), b.RevealKey().data(), kKeySize) == 0;
  }
  std::unique_ptr<Token> token_;
};

TEST_P(TokenContractTest, UnwrapGivesBackWhatWrapTook) {
  ASSERT_TRUE(token_->CreateKey("epoch 1").has_value());
  const Key key = SomeKey();
  const Result<Bytes> wrapped = token_->Wrap("epoch 1", key, AsBytes("context"));
  ASSERT_TRUE(wrapped.has_value()) << wrapped.error().detail;
  const Result<Key> back = token_->Unwrap("epoch 1", *wrapped, AsBytes("context"));
  ASSERT_TRUE(back.has_value()) << back.error().detail;
  EXPECT_TRUE(Same(key, *back));
}

TEST_P(TokenContractTest, UnwrapRefusesEveryFlippedBit) {
  ASSERT_TRUE(token_->CreateKey("epoch 1").has_value());
  const Result<Bytes> wrapped = token_->Wrap("epoch 1", SomeKey(), AsBytes("context"));
  ASSERT_TRUE(wrapped.has_value());
  for (std::size_t at = 0; at < wrapped->size(); ++at) {
    Bytes changed = *wrapped;
    changed[at] ^= std::byte{0x10};
    const Result<Key> back = token_->Unwrap("epoch 1", changed, AsBytes("context"));
    ASSERT_FALSE(back.has_value()) << "byte " << at;
    EXPECT_EQ(back.error().code, ErrorCode::kIntegrityFailure) << "byte " << at;
  }
}

TEST_P(TokenContractTest, UnwrapRefusesCutAndEmptyInput) {
  ASSERT_TRUE(token_->CreateKey("epoch 1").has_value());
  const Result<Bytes> wrapped = token_->Wrap("epoch 1", SomeKey(), {});
  ASSERT_TRUE(wrapped.has_value());
  for (std::size_t size = 0; size < wrapped->size(); ++size) {
    EXPECT_FALSE(token_->Unwrap("epoch 1", ByteView(*wrapped).first(size), {}).has_value());
  }
}

TEST_P(TokenContractTest, UnwrapRefusesAnotherKey) {
  ASSERT_TRUE(token_->CreateKey("epoch 1").has_value());
  ASSERT_TRUE(token_->CreateKey("epoch 2").has_value());
  const Result<Bytes> wrapped = token_->Wrap("epoch 1", SomeKey(), {});
  ASSERT_TRUE(wrapped.has_value());
  const Result<Key> back = token_->Unwrap("epoch 2", *wrapped, {});
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, ErrorCode::kIntegrityFailure);
}

TEST_P(TokenContractTest, CreateKeyRefusesATakenLabel) {
  ASSERT_TRUE(token_->CreateKey("epoch 1").has_value());
  const Result<void> again = token_->CreateKey("epoch 1");
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
}

TEST_P(TokenContractTest, ADestroyedKeyIsGoneAndUnwrapsNothing) {
  ASSERT_TRUE(token_->CreateKey("epoch 1").has_value());
  const Result<Bytes> wrapped = token_->Wrap("epoch 1", SomeKey(), {});
  ASSERT_TRUE(token_->DestroyKey("epoch 1").has_value());
  EXPECT_FALSE(*token_->HasKey("epoch 1"));
  const Result<Key> back = token_->Unwrap("epoch 1", *wrapped, {});
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, ErrorCode::kNotFound);
  const Result<void> again = token_->DestroyKey("epoch 1");
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kNotFound);
}

TEST_P(TokenContractTest, ANewKeyUnderADestroyedLabelIsAnotherKey) {
  ASSERT_TRUE(token_->CreateKey("epoch 1").has_value());
  const Result<Bytes> wrapped = token_->Wrap("epoch 1", SomeKey(), {});
  ASSERT_TRUE(token_->DestroyKey("epoch 1").has_value());
  ASSERT_TRUE(token_->CreateKey("epoch 1").has_value());
  EXPECT_FALSE(token_->Unwrap("epoch 1", *wrapped, {}).has_value());
}

TEST_P(TokenContractTest, ListKeysGivesThoseWithThePrefix) {
  ASSERT_TRUE(token_->CreateKey("a epoch 1").has_value());
  ASSERT_TRUE(token_->CreateKey("a epoch 2").has_value());
  ASSERT_TRUE(token_->CreateKey("b epoch 1").has_value());
  const Result<std::vector<std::string>> labels = token_->ListKeys("a ");
  ASSERT_TRUE(labels.has_value());
  EXPECT_EQ(labels->size(), 2U);
}

TEST_P(TokenContractTest, AnAnchorIsReplacedAndKeptApartByLabel) {
  EXPECT_FALSE(token_->GetAnchor("head")->has_value());
  ASSERT_TRUE(token_->PutAnchor("head", AsBytes("one")).has_value());
  ASSERT_TRUE(token_->PutAnchor("other", AsBytes("zzz")).has_value());
  ASSERT_TRUE(token_->PutAnchor("head", AsBytes("two")).has_value());
  const Result<std::optional<Bytes>> value = token_->GetAnchor("head");
  ASSERT_TRUE(value.has_value() && value->has_value());
  EXPECT_EQ(AsText(**value), "two");
}

TEST_P(TokenContractTest, PutAnchorRefusesMoreThanAKilobyte) {
  const Result<void> put = token_->PutAnchor("head", Bytes(1025));
  ASSERT_FALSE(put.has_value());
  EXPECT_EQ(put.error().code, ErrorCode::kTooLarge);
}

}  // namespace casemate::custody
