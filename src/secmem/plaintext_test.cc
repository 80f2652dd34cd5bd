#include "secmem/plaintext.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

namespace casemate {
namespace {

TEST(PlaintextTest, AppendKeepsWhatWasThere) {
  Plaintext text;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string part = std::to_string(i);
    text.Append(PlaintextView::Of(part));
    expected += part;
  }
  EXPECT_EQ(text.view().Reveal(), expected);
}

TEST(PlaintextTest, AppendingItselfIsSafe) {
  Plaintext text = Plaintext::Copy(std::string_view("abc"));
  for (int i = 0; i < 5; ++i) {
    text.Append(text.view());
  }
  EXPECT_EQ(text.size(), 96U);
  EXPECT_EQ(text.view().Part(93).Reveal(), "abc");
}

TEST(PlaintextTest, TruncateWipesWhatItCuts) {
  Plaintext text = Plaintext::Copy(std::string_view("secret"));
  const std::byte* data = text.mutable_bytes().data();
  text.Truncate(2);
  EXPECT_EQ(text.view().Reveal(), "se");
  EXPECT_EQ(data[2], std::byte{0});
  EXPECT_EQ(data[5], std::byte{0});
  text.Truncate(10);
  EXPECT_EQ(text.size(), 2U);
}

TEST(PlaintextTest, MovingEmptiesTheSource) {
  Plaintext a = Plaintext::Copy(std::string_view("secret"));
  Plaintext b;
  b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the contract names this state
  EXPECT_EQ(b.view().Reveal(), "secret");
}

TEST(PlaintextViewTest, PartIsClampedToTheEnd) {
  const PlaintextView view = PlaintextView::Of(std::string_view("abcdef"));
  EXPECT_EQ(view.Part(2, 2).Reveal(), "cd");
  EXPECT_EQ(view.Part(4, 100).Reveal(), "ef");
  EXPECT_TRUE(view.Part(6).empty());
  EXPECT_TRUE(view.Part(100).empty());
}

TEST(PlaintextViewTest, ConstantTimeEqualityNeedsSameSizeAndBytes) {
  const auto of = [](std::string_view text) { return PlaintextView::Of(text); };
  EXPECT_TRUE(EqualConstantTime(of("abc"), of("abc")));
  EXPECT_TRUE(EqualConstantTime(of(""), of("")));
  EXPECT_FALSE(EqualConstantTime(of("abc"), of("abd")));
  EXPECT_FALSE(EqualConstantTime(of("abc"), of("ab")));
}

TEST(TokenBufferTest, AppendsAndTruncatesByToken) {
  TokenBuffer tokens;
  for (std::int32_t token : {1, -7, 128000}) {
    tokens.Append(token);
  }
  ASSERT_EQ(tokens.size(), 3U);
  EXPECT_EQ(tokens.RevealTokens()[1], -7);
  tokens.Truncate(1);
  EXPECT_EQ(tokens.RevealTokens().size(), 1U);
}

TEST(WipeTest, ZeroesAllBytes) {
  std::array<std::byte, 3> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  Wipe(bytes);
  EXPECT_EQ(bytes, (std::array<std::byte, 3>{}));
  Wipe({});
}

}  // namespace
}  // namespace casemate
