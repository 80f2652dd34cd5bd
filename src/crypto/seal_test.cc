#include "crypto/seal.h"

#include <gtest/gtest.h>

#include <string>

#include "crypto/seal_chunks_internal.h"

namespace casemate::crypto {
namespace {

Key NewKey() { return std::move(Key::Random().value()); }

Bytes Pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>((i * 7) + (i >> 8));
  }
  return bytes;
}

// Sizes around those where a chunk or the size field begins or ends.
constexpr std::size_t kSizes[] = {0,     1,     7,     8,     9,     1000,    16367,
                                  16368, 16375, 16376, 16377, 16383, 16384,   16385,
                                  32768, 40000, 49152, 65536, 65537, 100'000, 1'000'000};

TEST(PadmeTest, AgreesWithTheReferenceAlgorithm) {
  // Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
  // PETS 2019, algorithm 1, computed with Python's integers.
  struct Case {
    std::uint64_t size;
    std::uint64_t padded;
  };
  for (const Case& c :
       {Case{9, 10}, Case{10, 10}, Case{100, 104}, Case{1000, 1024}, Case{1025, 1088},
        Case{16384, 16384}, Case{16385, 17408}, Case{100'000, 100'352}, Case{1'000'000, 1'015'808},
        Case{1'000'000'007, 1'006'632'960}}) {
    EXPECT_EQ(PadmeSize(c.size), c.padded) << c.size;
  }
}

TEST(PadmeTest, NeverShrinksAndAddsAtMostTwelvePercent) {
  std::uint64_t last = 0;
  for (std::uint64_t size = 8; size < 100'000; ++size) {
    const std::uint64_t padded = PadmeSize(size);
    ASSERT_GE(padded, size);
    ASSERT_LE(padded * 100, size * 112);
    ASSERT_GE(padded, last);
    ASSERT_EQ(PadmeSize(padded), padded);
    last = padded;
  }
  EXPECT_EQ(PadmeSize(0), 8U);
}

TEST(SealTest, OpenGivesBackWhatWasSealed) {
  const Key key = NewKey();
  for (const std::size_t size : kSizes) {
    SCOPED_TRACE(size);
    const Bytes content = Pattern(size);
    const Result<Bytes> sealed = Seal(key, AsBytes("ctx"), PlaintextView::Of(ByteView(content)));
    ASSERT_TRUE(sealed.has_value());
    EXPECT_EQ(sealed->size(), SealedPaddedSize(size));
    const Result<Plaintext> opened = Open(key, AsBytes("ctx"), *sealed);
    ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    EXPECT_TRUE(EqualConstantTime(*opened, PlaintextView::Of(ByteView(content))));

    const Result<Bytes> raw = SealRaw(key, {}, PlaintextView::Of(ByteView(content)));
    ASSERT_TRUE(raw.has_value());
    EXPECT_EQ(raw->size(), SealedSize(size));
    const Result<Plaintext> raw_opened = OpenRaw(key, {}, *raw);
    ASSERT_TRUE(raw_opened.has_value());
    EXPECT_TRUE(EqualConstantTime(*raw_opened, PlaintextView::Of(ByteView(content))));
  }
}

TEST(SealTest, SealingTwiceGivesDifferentBytes) {
  const Key key = NewKey();
  const PlaintextView text = PlaintextView::Of(std::string_view("same"));
  EXPECT_NE(Seal(key, {}, text).value(), Seal(key, {}, text).value());
}

TEST(SealTest, ContentsOfOnePaddedSizeLookAlike) {
  const Key key = NewKey();
  const auto size_of = [&](std::size_t size) {
    const Bytes content(size);
    return Seal(key, {}, PlaintextView::Of(ByteView(content))).value().size();
  };
  EXPECT_EQ(size_of(1000 - 8), size_of(1024 - 8));
  EXPECT_NE(size_of(1024 - 8), size_of(1025 - 8));
}

TEST(SealTest, OtherKeyOrContextDoesNotOpen) {
  const Key key = NewKey();
  const Bytes sealed = Seal(key, AsBytes("a"), PlaintextView::Of(std::string_view("x"))).value();
  for (const Result<Plaintext>& opened : {Open(NewKey(), AsBytes("a"), sealed),
                                          Open(key, AsBytes("b"), sealed), Open(key, {}, sealed)}) {
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::kIntegrityFailure);
  }
}

TEST(SealTest, EveryChangedByteIsFound) {
  const Key key = NewKey();
  Bytes sealed = Seal(key, {}, PlaintextView::Of(std::string_view("some content"))).value();
  for (std::byte& byte : sealed) {
    byte ^= std::byte{0x10};
    EXPECT_FALSE(Open(key, {}, sealed).has_value());
    byte ^= std::byte{0x10};
  }
  EXPECT_TRUE(Open(key, {}, sealed).has_value());
}

TEST(SealTest, EveryTruncationIsFound) {
  const Key key = NewKey();
  const Bytes content = Pattern(40'000);
  const Bytes sealed = SealRaw(key, {}, PlaintextView::Of(ByteView(content))).value();
  for (std::size_t size = 0; size < sealed.size(); size += size < 200 ? 1 : 97) {
    const Result<Plaintext> opened = OpenRaw(key, {}, ByteView(sealed).first(size));
    ASSERT_FALSE(opened.has_value()) << size;
    EXPECT_EQ(opened.error().code, ErrorCode::kIntegrityFailure);
  }
  // At a chunk's end too, where every chunk that is left verifies.
  const std::size_t whole = kSealHeaderSize + internal::kSealedChunkSize;
  EXPECT_FALSE(OpenRaw(key, {}, ByteView(sealed).first(whole)).has_value());
}

TEST(SealTest, LengtheningIsFound) {
  const Key key = NewKey();
  Bytes sealed = Seal(key, {}, PlaintextView::Of(std::string_view("x"))).value();
  sealed.push_back(std::byte{0});
  EXPECT_FALSE(Open(key, {}, sealed).has_value());
}

// What only a holder of the key can write, and yet no sealer of ours does.
TEST(SealTest, SizeFieldThatDoesNotFitIsRefused) {
  const Key key = NewKey();
  const auto opens = [&](std::uint64_t field, std::size_t padded_size, std::byte fill) {
    Bytes message;
    PutU64(message, field);
    message.resize(padded_size, fill);
    const Bytes sealed = SealRaw(key, {}, PlaintextView::Of(ByteView(message))).value();
    return Open(key, {}, sealed).has_value();
  };
  EXPECT_TRUE(opens(100, PadmeSize(108), std::byte{0}));
  EXPECT_FALSE(opens(100, PadmeSize(108), std::byte{1}));  // padding that is not zero
  EXPECT_FALSE(opens(100, PadmeSize(108) + 1, std::byte{0}));
  EXPECT_FALSE(opens(100, 104, std::byte{0}));  // more content than there is
  EXPECT_FALSE(opens(10, PadmeSize(108), std::byte{0}));
  EXPECT_FALSE(opens(~std::uint64_t{0}, PadmeSize(108), std::byte{0}));
  EXPECT_FALSE(opens(~std::uint64_t{7}, 8, std::byte{0}));
  Bytes short_message(7);
  const Bytes sealed = SealRaw(key, {}, PlaintextView::Of(ByteView(short_message))).value();
  EXPECT_FALSE(Open(key, {}, sealed).has_value());
}

TEST(SealTest, ContextOverTheLimitIsRefused) {
  const Key key = NewKey();
  const Result<Bytes> sealed = Seal(key, Bytes(32 * 1024), {});
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace casemate::crypto
