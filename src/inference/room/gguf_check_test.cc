#include "inference/room/gguf_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "inference/room/test_model.h"

namespace casemate::inference {
namespace {

// Writes GGUF as docs/gguf.md of the ggml project lays it out.
class Writer {
 public:
  template <typename T>
  Writer& Put(T value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    out_.insert(out_.end(), bytes, bytes + sizeof(T));
    return *this;
  }
  Writer& Text(std::string_view text) {
    Put<std::uint64_t>(text.size());
    return Raw(text);
  }
  Writer& Raw(std::string_view text) {
    casemate::Put(out_, AsBytes(text));
    return *this;
  }
  Writer& Head(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    return Raw("GGUF").Put(version).Put(tensors).Put(keys);
  }
  Writer& Architecture() {
    return Text("general.architecture").Put<std::uint32_t>(8).Text("llama");
  }
  // One row of F32 (type 0).
  Writer& Tensor(std::string_view name, std::uint64_t width, std::uint64_t offset) {
    return Text(name).Put<std::uint32_t>(1).Put(width).Put<std::uint32_t>(0).Put(offset);
  }
  Writer& Data(std::size_t bytes) {
    out_.resize((out_.size() + 31) / 32 * 32 + bytes);
    return *this;
  }
  const Bytes& bytes() const { return out_; }

 private:
  Bytes out_;
};

std::string Refusal(const Writer& writer) {
  Result<GgufFacts> facts = CheckGguf(writer.bytes());
  return facts ? "accepted" : facts.error().message;
}

TEST(GgufCheckTest, TheShippedModelIsWhole) {
  Result<GgufFacts> facts = CheckGguf(ShippedModelBytes());
  ASSERT_TRUE(facts.has_value()) << facts.error().message;
  EXPECT_EQ(facts->architecture, "llama");
  EXPECT_EQ(facts->version, 3U);
  EXPECT_EQ(facts->tensors, 2U + 6U * 9U);  // embedding, final norm, nine a layer
}

TEST(GgufCheckTest, ASmallFileIsAccepted) {
  Writer writer;
  writer.Head(1, 1).Architecture().Tensor("t", 4, 0).Data(16);
  EXPECT_EQ(Refusal(writer), "accepted");
}

TEST(GgufCheckTest, EveryCutOfASmallFileIsRefused) {
  Writer writer;
  writer.Head(1, 1).Architecture().Tensor("t", 4, 0).Data(16);
  for (std::size_t size = 0; size < writer.bytes().size(); ++size) {
    EXPECT_FALSE(CheckGguf(ByteView(writer.bytes()).first(size)).has_value()) << size;
  }
}

TEST(GgufCheckTest, ATensorPastTheEndIsRefused) {
  Writer writer;
  writer.Head(1, 1).Architecture().Tensor("t", 4, 32).Data(16);
  EXPECT_THAT(Refusal(writer), testing::HasSubstr("past the end"));
}

TEST(GgufCheckTest, SizesThatOverflowAreRefused) {
  Writer offset;
  offset.Head(1, 1).Architecture().Tensor("t", 4, ~0ULL - 31).Data(16);
  EXPECT_NE(Refusal(offset), "accepted");
  Writer width;
  width.Head(1, 1).Architecture().Tensor("t", 1ULL << 62U, 0).Data(16);
  EXPECT_NE(Refusal(width), "accepted");
}

TEST(GgufCheckTest, CountsWithoutTheirElementsAreRefused) {
  Writer tensors;
  tensors.Head(kMaxGgufTensors, 1).Architecture();
  EXPECT_NE(Refusal(tensors), "accepted");
  Writer keys;
  keys.Head(1, ~0ULL).Architecture();
  EXPECT_THAT(Refusal(keys), testing::HasSubstr("too many"));
  Writer array;
  array.Head(1, 2).Architecture().Text("a").Put<std::uint32_t>(9).Put<std::uint32_t>(4).Put(~0ULL /
                                                                                            8);
  EXPECT_THAT(Refusal(array), testing::HasSubstr("too many elements"));
}

TEST(GgufCheckTest, NestedArraysAndUnknownTypesAreRefused) {
  Writer nested;
  nested.Head(1, 2).Architecture().Text("a").Put<std::uint32_t>(9).Put<std::uint32_t>(9).Put(1ULL);
  EXPECT_THAT(Refusal(nested), testing::HasSubstr("unknown type"));
  Writer type;
  type.Head(1, 2).Architecture().Text("a").Put<std::uint32_t>(99).Put(1ULL);
  EXPECT_THAT(Refusal(type), testing::HasSubstr("unknown type"));
}

TEST(GgufCheckTest, RepeatedNamesAreRefused) {
  Writer keys;
  keys.Head(1, 2).Architecture().Architecture().Tensor("t", 4, 0).Data(16);
  EXPECT_THAT(Refusal(keys), testing::HasSubstr("repeated key"));
  Writer tensors;
  tensors.Head(2, 1).Architecture().Tensor("t", 4, 0).Tensor("t", 4, 0).Data(16);
  EXPECT_THAT(Refusal(tensors), testing::HasSubstr("bad name"));
}

TEST(GgufCheckTest, AlignmentAndPartsAreChecked) {
  Writer alignment;
  alignment.Head(1, 2).Architecture().Text("general.alignment").Put<std::uint32_t>(4).Put(33U);
  alignment.Tensor("t", 4, 0).Data(64);
  EXPECT_THAT(Refusal(alignment), testing::HasSubstr("alignment"));
  Writer parts;
  parts.Head(1, 2).Architecture().Text("split.count").Put<std::uint32_t>(2);
  parts.Put<std::uint16_t>(2).Tensor("t", 4, 0).Data(64);
  EXPECT_THAT(Refusal(parts), testing::HasSubstr("parts"));
}

TEST(GgufCheckTest, OtherFilesAreNoModels) {
  EXPECT_THAT(CheckGguf(AsBytes("#!/bin/sh\n")).error().message,
              testing::HasSubstr("not a model file"));
  EXPECT_FALSE(CheckGguf({}).has_value());
}

}  // namespace
}  // namespace casemate::inference
