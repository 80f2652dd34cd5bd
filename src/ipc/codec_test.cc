#include "ipc/codec.h"

#include <gtest/gtest.h>

#include <limits>

#include "inference/messages.h"
#include "ipc/control.h"
#include "ipc/supervision.h"

namespace casemate::ipc {
namespace {

struct Inner {
  std::uint16_t number = 0;
  std::string text;
  static void Fields(auto& m, auto& v) {
    v(m.number);
    v(m.text);
  }
};

struct Everything {
  std::uint8_t small = 0;
  std::int64_t negative = 0;
  bool yes = false;
  float real = 0;
  double wide = 0;
  ErrorCode code{};
  std::string text;
  Bytes bytes;
  Plaintext plaintext;
  TenantId id;
  std::array<std::byte, 3> fixed{};
  std::vector<Inner> inner;
  std::vector<Key> keys;
  static void Fields(auto& m, auto& v) {
    v(m.small);
    v(m.negative);
    v(m.yes);
    v(m.real);
    v(m.wide);
    v(m.code);
    v(m.text);
    v(m.bytes);
    v(m.plaintext);
    v(m.id);
    v(m.fixed);
    v(m.inner);
    v(m.keys);
  }
};

Everything Filled() {
  Everything m;
  m.small = 7;
  m.negative = -2;
  m.yes = true;
  m.real = 0.5F;
  m.wide = -2.0;
  m.code = ErrorCode::kNotFound;
  m.text = "text";
  m.bytes = {std::byte{1}, std::byte{2}};
  m.plaintext = Plaintext::Copy(std::string_view("words"));
  m.id = TenantId(TenantId::Array{std::byte{9}});
  m.fixed = {std::byte{3}, std::byte{2}, std::byte{1}};
  m.inner.push_back(Inner{258, "a"});
  m.inner.push_back(Inner{1, ""});
  m.keys.push_back(Key::Random().value());
  return m;
}

std::string Hex(const Plaintext& payload) { return ToHex(payload.view().RevealBytes()); }

TEST(CodecTest, EveryKindOfFieldComesBack) {
  const Everything sent = Filled();
  Result<Everything> got = Decode<Everything>(Encode(sent));
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_EQ(got->negative, -2);
  EXPECT_TRUE(got->yes);
  EXPECT_EQ(got->real, 0.5F);
  EXPECT_EQ(got->wide, -2.0);
  EXPECT_EQ(got->code, ErrorCode::kNotFound);
  EXPECT_EQ(got->text, "text");
  EXPECT_EQ(got->bytes, sent.bytes);
  EXPECT_TRUE(EqualConstantTime(got->plaintext, sent.plaintext));
  EXPECT_EQ(got->id, sent.id);
  EXPECT_EQ(got->fixed, sent.fixed);
  ASSERT_EQ(got->inner.size(), 2U);
  EXPECT_EQ(got->inner[0].number, 258);
  EXPECT_EQ(got->inner[0].text, "a");
  ASSERT_EQ(got->keys.size(), 1U);
  EXPECT_TRUE(std::ranges::equal(got->keys[0].view().RevealKey(), sent.keys[0].view().RevealKey()));
}

// The vectors of docs/formats/ipc.md, worked out by hand from its rules.
TEST(CodecTest, BytesAreThoseOfTheDocument) {
  EXPECT_EQ(Hex(Encode(Credit{32})), "00000020");
  EXPECT_EQ(Hex(Encode(Failure{ErrorCode::kNotFound, "gone", "file", ""})),
            "04"
            "00000004676f6e65"
            "0000000466696c65"
            "00000000");
  SetupParse parse;
  parse.cpu_seconds = 20;
  parse.memory_bytes = 1024UL * 1024 * 1024;
  EXPECT_EQ(Hex(Encode(parse)), "000000140000000040000000");
  SetupFront front;
  front.hybrid_only = true;
  front.max_body_bytes = 1;
  front.max_connections = 2;
  front.groups = {"X", "Y"};
  EXPECT_EQ(Hex(Encode(front)),
            "01"
            "0000000000000001"
            "00000002"
            "00000002"
            "0000000158"
            "0000000159"
            "00000000");
  inference::CountTokens count;
  count.texts.push_back(Plaintext::Copy(std::string_view("ab")));
  EXPECT_EQ(Hex(Encode(count)), "00000001000000026162");
}

TEST(CodecTest, EveryPrefixIsRefused) {
  const Plaintext whole = Encode(Filled());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Result<Everything> got = Decode<Everything>(whole.view().Part(0, size));
    ASSERT_FALSE(got.has_value()) << size;
    EXPECT_EQ(got.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(CodecTest, BytesLeftOverAreRefused) {
  Plaintext payload = Encode(Filled());
  payload.AppendLiteral("x");
  EXPECT_FALSE(Decode<Everything>(payload).has_value());
}

TEST(CodecTest, ATruthValueOfTwoIsRefused) {
  EXPECT_FALSE(Decode<SetupFront>(PlaintextView::Of("\x02")).has_value());
}

struct Many {
  std::vector<std::string> texts;
  static void Fields(auto& m, auto& v) { v(m.texts); }
};

TEST(CodecTest, ACountThatCannotFitIsRefusedBeforeAnythingIsReserved) {
  Result<Many> got = Decode<Many>(PlaintextView::Of("\xff\xff\xff\xff"));
  ASSERT_FALSE(got.has_value());
  EXPECT_NE(got.error().message.find("more elements than bytes"), std::string::npos);
}

struct OneText {
  std::string text;
  static void Fields(auto& m, auto& v) { v(m.text); }
};

TEST(CodecTest, ALengthOverWhatIsLeftIsRefusedWithItsOffset) {
  Result<OneText> got = Decode<OneText>(PlaintextView::Of(std::string_view("\0\0\0\5abcd", 8)));
  ASSERT_FALSE(got.has_value());
  EXPECT_NE(got.error().message.find("byte 4 of 8"), std::string::npos) << got.error().message;
}

TEST(CodecTest, AnUnknownErrorCodeIsRefused) {
  Failure failure{static_cast<ErrorCode>(13), "m", "", ""};
  EXPECT_FALSE(Decode<Failure>(Encode(failure)).has_value());
}

TEST(CodecTest, LongErrorTextsAreCutToTravelInline) {
  const Failure failure = Failure::Of(
      Error{ErrorCode::kTooLarge, std::string(100'000, 'm'), "", std::string(9000, 'd')});
  EXPECT_EQ(failure.message.size(), 4096U);
  EXPECT_EQ(failure.detail.size(), 4096U);
}

}  // namespace
}  // namespace casemate::ipc
