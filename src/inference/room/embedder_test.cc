#include "inference/room/embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "inference/room/test_model.h"

namespace casemate::inference {
namespace {

Embed Texts(std::initializer_list<std::string_view> texts) {
  Embed request;
  for (const std::string_view text : texts) {
    request.texts.push_back(Plaintext::Copy(text));
  }
  return request;
}

std::vector<float> Row(const EmbedReply& reply, std::size_t index) {
  std::vector<float> row(reply.dimensions);
  const std::size_t bytes = row.size() * sizeof(float);
  std::memcpy(row.data(), reply.vectors.view().RevealBytes().data() + index * bytes, bytes);
  return row;
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

std::unique_ptr<Embedder> Make(const EmbedderOptions& options = {.threads = 1}) {
  Result<std::unique_ptr<Embedder>> made = Embedder::Create(ShippedModel(), options, UniqueFd());
  EXPECT_TRUE(made.has_value());
  return std::move(*made);
}

TEST(EmbedderTest, VectorsHaveUnitLength) {
  auto embedder = Make();
  Result<EmbedReply> reply = embedder->Embed(Texts({"a small boat", "keel"}), {});
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  EXPECT_EQ(reply->dimensions, 256U);
  ASSERT_EQ(reply->vectors.size(), 2 * 256 * sizeof(float));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(Dot(Row(*reply, i), Row(*reply, i)), 1.0, 1e-5);
  }
  EXPECT_EQ(reply->truncated, 0U);
}

TEST(EmbedderTest, SimilarTextsAreCloserThanOthers) {
  auto embedder = Make();
  Result<EmbedReply> reply =
      embedder->Embed(Texts({"the keel is a beam of the hull of a ship",
                             "the keel is one of the beams of the hull of a vessel",
                             "returns the number of bytes that the buffer object holds"}),
                      {});
  ASSERT_TRUE(reply.has_value());
  EXPECT_GT(Dot(Row(*reply, 0), Row(*reply, 1)), Dot(Row(*reply, 0), Row(*reply, 2)));
}

TEST(EmbedderTest, ATextInABatchHasTheVectorThatItHasAlone) {
  auto embedder = Make({.sequences = 4, .threads = 1});
  Embed request = Texts({"short", "a somewhat longer text about the hull of a ship and its keel",
                         "another", "x", "the fifth goes into a second step", "and a sixth"});
  Result<EmbedReply> together = embedder->Embed(request, {});
  ASSERT_TRUE(together.has_value());
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    Embed one;
    one.texts.push_back(Plaintext::Copy(request.texts[i].view()));
    Result<EmbedReply> alone = embedder->Embed(one, {});
    ASSERT_TRUE(alone.has_value());
    EXPECT_GT(Dot(Row(*together, i), Row(*alone, 0)), 0.9999) << i;
  }
}

TEST(EmbedderTest, ALongTextIsCutAndCountedOrRefused) {
  auto embedder = Make();
  std::string text;
  for (int i = 0; i < 2000; ++i) {
    text += " word";
  }
  Embed request = Texts({"short", text});
  Result<EmbedReply> cut = embedder->Embed(request, {});
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->truncated, 1U);
  EXPECT_LE(cut->tokens, 1024U + 8U);
  request.refuse_long = true;
  Result<EmbedReply> refused = embedder->Embed(request, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("the model takes 1024"));
}

TEST(EmbedderTest, NoTextsTooManyOrEmptyOnesAreRefused) {
  auto embedder = Make();
  EXPECT_FALSE(embedder->Embed({}, {}).has_value());
  EXPECT_FALSE(embedder->Embed(Texts({"a", ""}), {}).has_value());
  Embed many;
  for (std::size_t i = 0; i < kMaxEmbedTexts + 1; ++i) {
    many.texts.push_back(Plaintext::Copy(std::string_view("a")));
  }
  EXPECT_FALSE(embedder->Embed(many, {}).has_value());
}

TEST(EmbedderTest, CancelEndsBeforeTheNextStep) {
  auto embedder = Make();
  Result<EmbedReply> reply = embedder->Embed(Texts({"a"}), [] { return true; });
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, ErrorCode::kCancelled);
}

std::unique_ptr<Embedder> MakeEncoder(const EmbedderOptions& options = {.threads = 1}) {
  Result<std::unique_ptr<Embedder>> made = Embedder::Create(ShippedEmbedder(), options, UniqueFd());
  EXPECT_TRUE(made.has_value());
  return std::move(*made);
}

TEST(EmbedderTest, AnEncodersStepsOfSeveralTextsAreRight) {
  auto embedder = MakeEncoder({.sequences = 3, .threads = 1});
  Result<EmbedReply> reply = embedder->Embed(
      Texts({"How do I delete a file?", "unlink removes a name from the file system",
             "a small wild flower", "opens a socket and listens"}),
      {});
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  EXPECT_EQ(reply->dimensions, 1024U);
  EXPECT_NEAR(Dot(Row(*reply, 0), Row(*reply, 0)), 1.0, 1e-5);
  EXPECT_GT(Dot(Row(*reply, 0), Row(*reply, 1)), Dot(Row(*reply, 0), Row(*reply, 2)) + 0.1);
  EXPECT_GT(Dot(Row(*reply, 0), Row(*reply, 1)), Dot(Row(*reply, 0), Row(*reply, 3)) + 0.1);
  Result<EmbedReply> alone = embedder->Embed(Texts({"opens a socket and listens"}), {});
  ASSERT_TRUE(alone.has_value());
  EXPECT_GT(Dot(Row(*reply, 3), Row(*alone, 0)), 0.9999);
}

// [CLS] is 2 and [SEP] is 3 in this vocabulary (models/embedder/tokens.py).
TEST(EmbedderTest, ATextHasTheModelsOwnTokensAroundItAlsoWhereItIsCut) {
  const std::string_view text = "one two three four";
  std::size_t whole = 0;
  Result<TokenBuffer> tokens = ShippedEmbedder().TokenizeText(PlaintextView::Of(text), 512, whole);
  ASSERT_TRUE(tokens.has_value());
  EXPECT_EQ(tokens->size(), 6U);
  EXPECT_EQ(whole, 6U);
  EXPECT_EQ(tokens->RevealTokens().front(), 2);
  EXPECT_EQ(tokens->RevealTokens().back(), 3);
  Result<TokenBuffer> cut = ShippedEmbedder().TokenizeText(PlaintextView::Of(text), 4, whole);
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(whole, 6U);
  ASSERT_EQ(cut->size(), 4U);
  EXPECT_EQ(cut->RevealTokens()[2], tokens->RevealTokens()[2]);
  EXPECT_EQ(cut->RevealTokens()[3], 3);
}

TEST(EmbedderTest, ADecoderWithoutTokensAroundATextGetsNone) {
  const std::string_view text = "a keel is a beam";
  std::size_t whole = 0;
  Result<TokenBuffer> tokens = ShippedModel().TokenizeText(PlaintextView::Of(text), 512, whole);
  Result<TokenBuffer> content = ShippedModel().TokenizeContent(PlaintextView::Of(text));
  ASSERT_TRUE(tokens.has_value() && content.has_value());
  EXPECT_TRUE(std::ranges::equal(tokens->RevealTokens(), content->RevealTokens()));
}

TEST(EmbedderTest, AnEncoderRefusesEmptyAndCutsOrRefusesLongTexts) {
  auto embedder = MakeEncoder();
  EXPECT_THAT(embedder->Embed(Texts({"a", " \n"}), {}).error().message,
              testing::HasSubstr("text 2 is empty"));
  std::string text;
  for (int i = 0; i < 600; ++i) {
    text += " word";
  }
  Embed request = Texts({text});
  Result<EmbedReply> cut = embedder->Embed(request, {});
  ASSERT_TRUE(cut.has_value()) << cut.error().message;
  EXPECT_EQ(cut->truncated, 1U);
  EXPECT_EQ(cut->tokens, 512U);
  request.refuse_long = true;
  EXPECT_THAT(embedder->Embed(request, {}).error().message,
              testing::HasSubstr("of 602 tokens, the model takes 512"));
}

// Its positions are a table: there is nothing past its end.
TEST(EmbedderTest, AnEncoderTakesNoMoreContextThanItWasTrainedWith) {
  Result<std::unique_ptr<Embedder>> made =
      Embedder::Create(ShippedEmbedder(), {.context_tokens = 513, .threads = 1}, UniqueFd());
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(made.error().message, testing::HasSubstr("this encoder takes 512"));
}

inference::Rank Question(std::string_view query, std::initializer_list<std::string_view> texts) {
  inference::Rank request;
  request.query = Plaintext::Copy(query);
  for (const std::string_view text : texts) {
    request.documents.push_back(Plaintext::Copy(text));
  }
  return request;
}

TEST(EmbedderTest, DocumentsAreRankedByTheCosineOfTheirVectors) {
  auto embedder = Make();
  const std::string_view query = "the keel is a beam of the hull of a ship";
  const std::string_view near = "the keel is one of the beams of the hull of a vessel";
  const std::string_view far = "returns the number of bytes that the buffer object holds";
  Result<RankReply> ranked = embedder->Rank(Question(query, {far, near, query}), {});
  ASSERT_TRUE(ranked.has_value()) << ranked.error().message;
  ASSERT_EQ(ranked->scores.size(), 3U);
  EXPECT_LT(ranked->scores[0], ranked->scores[1]);
  EXPECT_NEAR(ranked->scores[2], 1.0, 1e-5);
  Result<EmbedReply> vectors = embedder->Embed(Texts({query, far, near, query}), {});
  EXPECT_NEAR(ranked->scores[1], Dot(Row(*vectors, 0), Row(*vectors, 2)), 1e-5);
  EXPECT_EQ(ranked->tokens, vectors->tokens);
}

TEST(EmbedderTest, NoDocumentsOrTooManyAreRefused) {
  auto embedder = Make();
  EXPECT_EQ(embedder->Rank(Question("x", {}), {}).error().code, ErrorCode::kInvalidArgument);
  inference::Rank many = Question("x", {});
  many.documents.resize(kMaxRankDocuments + 1);
  EXPECT_EQ(embedder->Rank(many, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(embedder->Rank(Question("x", {"a", ""}), {}).error().message,
              testing::HasSubstr("documents: text 2 is empty"));
  EXPECT_EQ(embedder->Rank(Question("", {"a"}), {}).error().code, ErrorCode::kInvalidArgument);
}

TEST(EmbedderTest, TheShippedModelIsNoReranker) {
  EXPECT_FALSE(ShippedModel().is_reranker());
  Result<TokenBuffer> pair = ShippedModel().TokenizePair(
      PlaintextView::Of(std::string_view("which beam")),
      PlaintextView::Of(std::string_view("a keel is a beam of a hull")), 8);
  ASSERT_TRUE(pair.has_value());
  EXPECT_LE(pair->size(), 8U);
  EXPECT_EQ(ShippedModel()
                .TokenizePair(PlaintextView::Of(std::string_view("which beam")),
                              PlaintextView::Of(std::string_view("a")), 2)
                .error()
                .code,
            ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace casemate::inference
