#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "crypto/seal.h"
#include "crypto/seal_chunks_internal.h"

namespace casemate::crypto {
namespace {

Key NewKey() { return std::move(Key::Random().value()); }

Bytes Pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>((i * 31) + (i >> 9));
  }
  return bytes;
}

// Sealed bytes in memory; notes which chunks are read.
class MemorySource final : public SealSource {
 public:
  explicit MemorySource(Bytes bytes, std::set<std::uint64_t>* read_at = nullptr)
      : bytes_(std::move(bytes)), read_at_(read_at) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> ReadAt(std::uint64_t offset, std::span<std::byte> out) override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
      return Fail(ErrorCode::kInvalidArgument, "read past the end");
    }
    if (read_at_ != nullptr) {
      read_at_->insert(offset);
    }
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }

 private:
  Bytes bytes_;
  std::set<std::uint64_t>* read_at_;
};

Result<SealReader> Reader(const Key& key, Bytes sealed,
                          std::set<std::uint64_t>* read_at = nullptr) {
  return SealReader::Begin(key, {}, std::make_unique<MemorySource>(std::move(sealed), read_at));
}

TEST(SealWriterTest, PartsOfAnySizeOpenAsTheWhole) {
  const Key key = NewKey();
  const Bytes content = Pattern(100'001);
  for (const std::size_t part : {1UL, 4096UL, 16383UL, 16384UL, 16385UL, 100'001UL}) {
    SCOPED_TRACE(part);
    Result<SealWriter> writer = SealWriter::Begin(key, AsBytes("c"), content.size());
    ASSERT_TRUE(writer.has_value());
    Bytes sealed;
    for (std::size_t at = 0; at < content.size(); at += part) {
      const ByteView next = ByteView(content).subspan(at, std::min(part, content.size() - at));
      Bytes drained;
      ASSERT_TRUE(writer->Write(PlaintextView::Of(next), drained).has_value());
      Put(sealed, drained);
    }
    ASSERT_TRUE(writer->Finish(sealed).has_value());
    EXPECT_EQ(sealed.size(), SealedPaddedSize(content.size()));
    const Result<Plaintext> opened = Open(key, AsBytes("c"), sealed);
    ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    EXPECT_TRUE(EqualConstantTime(*opened, PlaintextView::Of(ByteView(content))));
  }
}

TEST(SealWriterTest, RefusesMoreOrLessThanAnnounced) {
  const Key key = NewKey();
  Result<SealWriter> writer = SealWriter::Begin(key, {}, 3);
  ASSERT_TRUE(writer.has_value());
  Bytes out;
  EXPECT_FALSE(writer->Finish(out).has_value());
  EXPECT_TRUE(out.empty());
  EXPECT_FALSE(writer->Write(PlaintextView::Of(std::string_view("four")), out).has_value());
  EXPECT_TRUE(writer->Write(PlaintextView::Of(std::string_view("abc")), out).has_value());
  EXPECT_FALSE(writer->Write(PlaintextView::Of(std::string_view("d")), out).has_value());
  ASSERT_TRUE(writer->Finish(out).has_value());
  EXPECT_FALSE(writer->Finish(out).has_value());
  EXPECT_EQ(Open(key, {}, out).value().view().Reveal(), "abc");
}

TEST(SealWriterTest, UnfinishedStreamDoesNotOpen) {
  const Key key = NewKey();
  const Bytes content = Pattern(16384 * 3);
  Result<SealWriter> writer = SealWriter::Begin(key, {}, content.size());
  ASSERT_TRUE(writer.has_value());
  Bytes out;
  ASSERT_TRUE(writer->Write(PlaintextView::Of(ByteView(content)), out).has_value());
  EXPECT_FALSE(Open(key, {}, out).has_value());
  EXPECT_FALSE(Reader(key, out).has_value());
}

TEST(SealWriterTest, RefusesSizesOverTheFormatsLimit) {
  const Key key = NewKey();
  for (const std::uint64_t size : {std::uint64_t{1} << 52, ~std::uint64_t{0}}) {
    const Result<SealWriter> writer = SealWriter::Begin(key, {}, size);
    ASSERT_FALSE(writer.has_value());
    EXPECT_EQ(writer.error().code, ErrorCode::kTooLarge);
  }
}

TEST(SealReaderTest, ReadsAnyRange) {
  const Key key = NewKey();
  const Bytes content = Pattern(100'000);
  Result<SealReader> reader =
      Reader(key, Seal(key, {}, PlaintextView::Of(ByteView(content))).value());
  ASSERT_TRUE(reader.has_value()) << reader.error().detail;
  EXPECT_EQ(reader->size(), content.size());
  for (const std::size_t offset : {0UL, 1UL, 16375UL, 16376UL, 16377UL, 50'000UL, 99'999UL}) {
    for (const std::size_t length : {0UL, 1UL, 16384UL, 40'000UL, 100'000UL}) {
      const std::size_t fits = std::min(length, content.size() - offset);
      const Result<Plaintext> part = reader->Read(offset, fits);
      ASSERT_TRUE(part.has_value());
      EXPECT_TRUE(
          EqualConstantTime(*part, PlaintextView::Of(ByteView(content).subspan(offset, fits))));
    }
  }
  EXPECT_TRUE(reader->Read(100'000, 0).has_value());
}

TEST(SealReaderTest, RefusesRangesPastTheEnd) {
  const Key key = NewKey();
  Result<SealReader> reader =
      Reader(key, Seal(key, {}, PlaintextView::Of(std::string_view("abc"))).value());
  ASSERT_TRUE(reader.has_value());
  struct Range {
    std::uint64_t offset;
    std::size_t length;
  };
  for (const Range& range : {Range{0, 4}, Range{3, 1}, Range{4, 0}, Range{~std::uint64_t{0}, 1},
                             Range{1, ~std::size_t{0}}}) {
    const Result<Plaintext> part = reader->Read(range.offset, range.length);
    ASSERT_FALSE(part.has_value());
    EXPECT_EQ(part.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(SealReaderTest, ReadsOnlyTheChunksOfTheRange) {
  const Key key = NewKey();
  const Bytes content = Pattern(16384 * 20);
  std::set<std::uint64_t> read_at;
  Result<SealReader> reader =
      Reader(key, Seal(key, {}, PlaintextView::Of(ByteView(content))).value(), &read_at);
  ASSERT_TRUE(reader.has_value());
  read_at.clear();
  ASSERT_TRUE(reader->Read(16384 * 10, 100).has_value());
  EXPECT_EQ(read_at, (std::set<std::uint64_t>{internal::SealedChunkOffset(10)}));
}

TEST(SealReaderTest, TruncationIsFoundAtTheBeginning) {
  const Key key = NewKey();
  const Bytes content = Pattern(50'000);
  const Bytes sealed = Seal(key, {}, PlaintextView::Of(ByteView(content))).value();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{55}, std::size_t{72}, sealed.size() - 1,
        kSealHeaderSize + (2 * internal::kSealedChunkSize),
        kSealHeaderSize + (2 * internal::kSealedChunkSize) + 16}) {
    const Result<SealReader> reader =
        Reader(key, Bytes(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size)));
    ASSERT_FALSE(reader.has_value()) << size;
    EXPECT_EQ(reader.error().code, ErrorCode::kIntegrityFailure);
  }
}

TEST(SealReaderTest, ChangedChunkFailsWhenItIsReadAndOthersStillOpen) {
  const Key key = NewKey();
  const Bytes content = Pattern(16384 * 5);
  Bytes sealed = Seal(key, {}, PlaintextView::Of(ByteView(content))).value();
  sealed[internal::SealedChunkOffset(2) + 7] ^= std::byte{1};
  Result<SealReader> reader = Reader(key, std::move(sealed));
  ASSERT_TRUE(reader.has_value());
  const Result<Plaintext> broken = reader->Read(16384 * 2, 10);
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code, ErrorCode::kIntegrityFailure);
  EXPECT_FALSE(reader->Read(16384 * 2, 10).has_value());
  EXPECT_TRUE(reader->Read(16384 * 4, 10).has_value());
}

TEST(SealReaderTest, SwappedChunksAreFound) {
  const Key key = NewKey();
  const Bytes content = Pattern(16384 * 5);
  Bytes sealed = Seal(key, {}, PlaintextView::Of(ByteView(content))).value();
  std::swap_ranges(sealed.begin() + static_cast<std::ptrdiff_t>(internal::SealedChunkOffset(1)),
                   sealed.begin() + static_cast<std::ptrdiff_t>(internal::SealedChunkOffset(2)),
                   sealed.begin() + static_cast<std::ptrdiff_t>(internal::SealedChunkOffset(2)));
  Result<SealReader> reader = Reader(key, std::move(sealed));
  ASSERT_TRUE(reader.has_value());
  EXPECT_FALSE(reader->Read(16384, 10).has_value());
}

TEST(SealReaderTest, FailureOfTheSourceIsPassedOn) {
  class FailingSource final : public SealSource {
   public:
    std::uint64_t size() const override { return SealedPaddedSize(10); }
    Result<void> ReadAt(std::uint64_t, std::span<std::byte>) override {
      return Fail(ErrorCode::kUnavailable, "disk");
    }
  };
  const Result<SealReader> reader =
      SealReader::Begin(NewKey(), {}, std::make_unique<FailingSource>());
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace casemate::crypto
