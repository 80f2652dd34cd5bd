#include "retrieval/chunker.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "retrieval/sentences.h"

namespace casemate::retrieval {
namespace {

// Tokens are words here; a word of more than 12 bytes is one token for each 4 bytes.
std::uint32_t WordTokens(std::string_view text) {
  std::uint32_t tokens = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n\t", at), text.size());
    const std::size_t bytes = end - at;
    tokens += bytes == 0 ? 0 : bytes > 12 ? static_cast<std::uint32_t>((bytes + 3) / 4) : 1;
    at = end + 1;
  }
  return tokens;
}

struct Counter {
  int calls = 0;
  TokenCounter function() {
    return [this](const std::vector<PlaintextView>& texts) {
      ++calls;
      std::vector<std::uint32_t> counts;
      for (const PlaintextView text : texts) {
        counts.push_back(WordTokens(text.Reveal()));
      }
      return Result<std::vector<std::uint32_t>>(counts);
    };
  }
};

class Builder {
 public:
  Builder& Add(BlockKind kind, std::string_view text, std::uint8_t level = 0) {
    if (!document_.text.empty()) {
      document_.text.AppendLiteral("\n\n");
    }
    Block block;
    block.kind = kind;
    block.level = level;
    block.begin = static_cast<std::uint32_t>(document_.text.size());
    document_.text.AppendLiteral(text);
    block.end = static_cast<std::uint32_t>(document_.text.size());
    document_.blocks.push_back(block);
    return *this;
  }
  ParsedDocument& document() { return document_; }

 private:
  ParsedDocument document_;
};

std::string TextOf(const Chunk& chunk) { return std::string(chunk.text.view().Reveal()); }
std::string HeadingOf(const Chunk& chunk) { return std::string(chunk.heading.view().Reveal()); }

TEST(SentencesTest, EndAtStopsBeforeASpace) {
  const std::string text = "One. Two! \"Three?\" See 3.14 and e.g. this. Last";
  std::vector<std::string> found;
  for (const Span span : Sentences(text)) {
    found.push_back(text.substr(span.begin, span.end - span.begin));
  }
  EXPECT_EQ(found, (std::vector<std::string>{"One.", "Two!", "\"Three?\"",
                                             "See 3.14 and e.g. this.", "Last"}));
}

TEST(SentencesTest, EndAtWideStopsAndBlankLines) {
  EXPECT_EQ(Sentences("日本。中国。").size(), 2U);
  EXPECT_EQ(Sentences("one\n \ntwo\nthree").size(), 2U);
  EXPECT_TRUE(Sentences(" \n\t ").empty());
}

TEST(ChunkerTest, PutsSentencesTogetherUpToTheTarget) {
  Builder builder;
  builder.Add(BlockKind::kParagraph, "a b c. D e f. G h i. J k l.");
  Counter counter;
  Result<std::vector<Chunk>> chunks =
      ChunkDocument(builder.document(), {.target_tokens = 7, .max_tokens = 9}, counter.function());
  ASSERT_TRUE(chunks.has_value());
  ASSERT_EQ(chunks->size(), 2U);
  EXPECT_EQ(TextOf((*chunks)[0]), "a b c. D e f.");
  EXPECT_EQ(TextOf((*chunks)[1]), "G h i. J k l.");
  EXPECT_EQ(counter.calls, 1);
}

TEST(ChunkerTest, KeepsTheHeadingPathAndNeverCrossesASection) {
  Builder builder;
  builder.Add(BlockKind::kParagraph, "Intro.")
      .Add(BlockKind::kHeading, "Top", 1)
      .Add(BlockKind::kParagraph, "Under top.")
      .Add(BlockKind::kHeading, "Deep", 3)
      .Add(BlockKind::kParagraph, "Under deep.")
      .Add(BlockKind::kHeading, "Next", 2)
      .Add(BlockKind::kParagraph, "Under next.");
  Counter counter;
  Result<std::vector<Chunk>> chunks = ChunkDocument(builder.document(), {}, counter.function());
  ASSERT_TRUE(chunks.has_value());
  ASSERT_EQ(chunks->size(), 4U);
  EXPECT_EQ(HeadingOf((*chunks)[0]), "");
  EXPECT_EQ(HeadingOf((*chunks)[1]), "Top");
  EXPECT_EQ(HeadingOf((*chunks)[2]), "Top > Deep");
  EXPECT_EQ(HeadingOf((*chunks)[3]), "Top > Next");
  EXPECT_EQ(TextOf((*chunks)[3]), "Under next.");
}

TEST(ChunkerTest, HeadingWithNothingUnderItIsAChunk) {
  Builder builder;
  builder.Add(BlockKind::kHeading, "Alone", 1).Add(BlockKind::kHeading, "Also alone", 1);
  Counter counter;
  Result<std::vector<Chunk>> chunks = ChunkDocument(builder.document(), {}, counter.function());
  ASSERT_TRUE(chunks.has_value());
  ASSERT_EQ(chunks->size(), 2U);
  EXPECT_EQ(TextOf((*chunks)[1]), "Also alone");
}

TEST(ChunkerTest, ATermHeadsItsExplanationUntilTheNextTermOrHeading) {
  Builder builder;
  builder.Add(BlockKind::kHeading, "Glossary", 1)
      .Add(BlockKind::kTerm, "moat")
      .Add(BlockKind::kParagraph, "A ditch with water.")
      .Add(BlockKind::kTerm, "turret")
      .Add(BlockKind::kTerm, "bartizan")
      .Add(BlockKind::kParagraph, "A small tower.")
      .Add(BlockKind::kHeading, "After", 1)
      .Add(BlockKind::kParagraph, "Other things.");
  Counter counter;
  Result<std::vector<Chunk>> chunks = ChunkDocument(builder.document(), {}, counter.function());
  ASSERT_TRUE(chunks.has_value());
  ASSERT_EQ(chunks->size(), 3U);
  EXPECT_EQ(HeadingOf((*chunks)[0]), "Glossary > moat");
  EXPECT_EQ(TextOf((*chunks)[0]), "moat\n\nA ditch with water.");
  EXPECT_EQ(HeadingOf((*chunks)[1]), "Glossary > turret");
  EXPECT_EQ(TextOf((*chunks)[1]), "turret\n\nbartizan\n\nA small tower.");
  EXPECT_EQ(HeadingOf((*chunks)[2]), "After");
}

TEST(ChunkerTest, CodeIsCutAtLines) {
  Builder builder;
  builder.Add(BlockKind::kCode, "def f(x):\n    return x. Y\n\nprint(f(1))");
  Counter counter;
  Result<std::vector<Chunk>> chunks =
      ChunkDocument(builder.document(), {.target_tokens = 3, .max_tokens = 4}, counter.function());
  ASSERT_TRUE(chunks.has_value());
  ASSERT_EQ(chunks->size(), 3U);
  EXPECT_EQ(TextOf((*chunks)[1]), "    return x. Y");
}

TEST(ChunkerTest, LongSentencesAreCutBetweenWordsInFewCalls) {
  std::string sentence;
  for (int i = 0; i < 1000; ++i) {
    sentence += "word" + std::to_string(i) + " ";
  }
  Builder builder;
  builder.Add(BlockKind::kParagraph, sentence);
  Counter counter;
  Result<std::vector<Chunk>> chunks = ChunkDocument(builder.document(), {}, counter.function());
  ASSERT_TRUE(chunks.has_value());
  EXPECT_GE(chunks->size(), 1000U / 80);
  EXPECT_LE(chunks->size(), 1000U / 32);
  for (const Chunk& chunk : *chunks) {
    EXPECT_LE(WordTokens(chunk.text.view().Reveal()), 80U);
    EXPECT_TRUE(TextOf(chunk).starts_with("word"));
  }
  EXPECT_LE(counter.calls, 4);
}

TEST(ChunkerTest, LongWordsAreCutBetweenCharacters) {
  std::string word;
  for (int i = 0; i < 2000; ++i) {
    word += "é";
  }
  Builder builder;
  builder.Add(BlockKind::kParagraph, word);
  Counter counter;
  Result<std::vector<Chunk>> chunks = ChunkDocument(builder.document(), {}, counter.function());
  ASSERT_TRUE(chunks.has_value());
  std::string joined;
  for (const Chunk& chunk : *chunks) {
    EXPECT_LE(chunk.tokens, 80U);
    EXPECT_EQ(chunk.text.size() % 2, 0U);
    joined += TextOf(chunk);
  }
  EXPECT_EQ(joined, word);
}

// Whatever the document, chunks keep order and bounds and lose no word.
TEST(ChunkerTest, EveryWordIsInExactlyOneChunkOfEveryRandomDocument) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    Builder builder;
    for (std::uint32_t i = 0, blocks = 1 + random() % 20; i < blocks; ++i) {
      std::string text;
      for (std::uint32_t w = 0, words = 1 + random() % 200; w < words; ++w) {
        text += random() % 7 == 0 ? "größe" : "abc";
        text += random() % 9 == 0 ? ". " : random() % 40 == 0 ? "\n" : " ";
      }
      const auto kind = static_cast<BlockKind>(2 + random() % 5);
      builder.Add(kind, text);
    }
    Counter counter;
    Result<std::vector<Chunk>> chunks = ChunkDocument(builder.document(), {}, counter.function());
    ASSERT_TRUE(chunks.has_value()) << seed;
    const std::string_view all = builder.document().text.view().Reveal();
    std::size_t last = 0;
    std::uint32_t words = 0;
    for (const Chunk& chunk : *chunks) {
      ASSERT_LE(last, chunk.begin) << seed;
      ASSERT_LT(chunk.begin, chunk.end) << seed;
      ASSERT_EQ(TextOf(chunk), all.substr(chunk.begin, chunk.end - chunk.begin)) << seed;
      ASSERT_LE(WordTokens(chunk.text.view().Reveal()), 80U) << seed;
      words += WordTokens(chunk.text.view().Reveal());
      last = chunk.end;
    }
    EXPECT_EQ(words, WordTokens(all)) << seed;
  }
}

TEST(ChunkerTest, DocumentWithoutTextIsRefused) {
  Builder builder;
  builder.Add(BlockKind::kParagraph, "  \n ");
  Counter counter;
  Result<std::vector<Chunk>> chunks = ChunkDocument(builder.document(), {}, counter.function());
  ASSERT_FALSE(chunks.has_value());
  EXPECT_EQ(chunks.error().code, ErrorCode::kInvalidArgument);
}

TEST(ChunkerTest, BlocksOutsideTheTextOrOutOfOrderOrCuttingACharacterAreRefused) {
  const std::vector<std::vector<Block>> bad = {
      {{BlockKind::kParagraph, 0, 0, 100}},
      {{BlockKind::kParagraph, 0, 4, 2}},
      {{BlockKind::kParagraph, 0, 3, 5}, {BlockKind::kParagraph, 0, 0, 3}},
      {{BlockKind::kParagraph, 0, 0, 1}},
      {{BlockKind::kHeading, 0, 0, 2}},
      {{BlockKind::kHeading, 7, 0, 2}}};
  for (const std::vector<Block>& blocks : bad) {
    ParsedDocument document;
    document.text = Plaintext::Copy("éabcdef");
    document.blocks = blocks;
    Counter counter;
    Result<std::vector<Chunk>> chunks = ChunkDocument(document, {}, counter.function());
    ASSERT_FALSE(chunks.has_value());
    EXPECT_EQ(chunks.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ChunkerTest, MoreChunksThanAllowedIsTooLarge) {
  Builder builder;
  builder.Add(BlockKind::kParagraph, "a b c. D e f. G h i.");
  Counter counter;
  Result<std::vector<Chunk>> chunks =
      ChunkDocument(builder.document(), {.target_tokens = 3, .max_tokens = 3, .max_chunks = 2},
                    counter.function());
  ASSERT_FALSE(chunks.has_value());
  EXPECT_EQ(chunks.error().code, ErrorCode::kTooLarge);
}

TEST(ChunkerTest, CountersErrorIsPassedOn) {
  Builder builder;
  builder.Add(BlockKind::kParagraph, "a b c.");
  Result<std::vector<Chunk>> chunks =
      ChunkDocument(builder.document(), {},
                    [](const std::vector<PlaintextView>&) -> Result<std::vector<std::uint32_t>> {
                      return Fail(ErrorCode::kUnavailable, "the room died");
                    });
  ASSERT_FALSE(chunks.has_value());
  EXPECT_EQ(chunks.error().code, ErrorCode::kUnavailable);
}

TEST(ChunkerTest, AChunkLiesOnOnePage) {
  ParsedDocument document;
  document.text = Plaintext::Copy("One word.\n\nTwo words.\n\nThree words.");
  document.blocks = {{.begin = 0, .end = 9, .page = 1},
                     {.begin = 11, .end = 21, .page = 1},
                     {.begin = 23, .end = 35, .page = 2}};
  Counter counter;
  const auto chunks = ChunkDocument(document, {}, counter.function());
  ASSERT_TRUE(chunks.has_value()) << chunks.error().message;
  ASSERT_EQ(chunks->size(), 2U);
  EXPECT_EQ((*chunks)[0].page, 1U);
  EXPECT_EQ((*chunks)[0].end, 21U);
  EXPECT_EQ((*chunks)[1].page, 2U);
  EXPECT_EQ((*chunks)[1].begin, 23U);
}

}  // namespace
}  // namespace casemate::retrieval
