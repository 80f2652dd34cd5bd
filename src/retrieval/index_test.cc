#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "retrieval/fusion.h"
#include "retrieval/keyword_index.h"
#include "retrieval/vector_index.h"

namespace casemate::retrieval {
namespace {

PlaintextView V(std::string_view text) { return PlaintextView::Of(text); }
std::string QueryOf(std::string_view question) {
  return std::string(KeywordIndex::FtsQuery(V(question)).view().Reveal());
}

class KeywordIndexTest : public ::testing::Test {
 protected:
  KeywordIndexTest() : index_(std::move(*KeywordIndex::Make())) {}
  void Add(std::int64_t row, std::string_view title, std::string_view heading,
           std::string_view text, policy::Label label = policy::Label::kPublic) {
    ASSERT_TRUE(index_.Add(row, label, V(title), V(heading), V(text)).has_value());
  }
  std::vector<std::int64_t> Rows(std::string_view query,
                                 policy::Label ceiling = policy::Label::kSecret) {
    Result<std::vector<Ranked>> found = index_.Search(V(query), ceiling, 10);
    EXPECT_TRUE(found.has_value()) << found.error().detail;
    std::vector<std::int64_t> rows;
    for (const Ranked& one : *found) {
      rows.push_back(one.row);
    }
    return rows;
  }
  KeywordIndex index_;
};

TEST_F(KeywordIndexTest, FindsWordsAndStems) {
  Add(1, "", "", "Generators yield values.");
  Add(2, "", "", "A list holds items.");
  EXPECT_EQ(Rows("a generator?"), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(Rows("items of the lists"), (std::vector<std::int64_t>{2}));
  EXPECT_TRUE(Rows("nothing").empty());
}

TEST_F(KeywordIndexTest, DefinitionQuestionPutsTheHeadingBeforeManyMentions) {
  for (int i = 0; i < 30; ++i) {
    Add(100 + i, "Other", "Unrelated", "Words about other things, number " + std::to_string(i));
  }
  Add(1, "Glossary", "generator", "A function which returns an iterator.");
  Add(2, "Howto", "Loops",
      "generator generator generator generator generator generator generator generator");
  EXPECT_EQ(Rows("What is a generator?").front(), 1);
}

TEST_F(KeywordIndexTest, WordsInARowRankHigher) {
  for (int i = 0; i < 30; ++i) {
    Add(100 + i, "", "", "filler text number " + std::to_string(i));
  }
  Add(1, "", "", "The context of a manager is wide, and we say so.");
  Add(2, "", "", "The context manager is wide, and we do say so.");
  EXPECT_EQ(Rows("how do context manager objects work").front(), 2);
}

TEST_F(KeywordIndexTest, TheTermItselfComesBeforePagesThatAreFullOfIt) {
  for (int i = 0; i < 30; ++i) {
    Add(100 + i, "", "", "filler text number " + std::to_string(i));
  }
  Add(1, "Coroutine objects", "Coroutine objects > coroutine type",
      "coroutine coroutine coroutine");
  Add(2, "Glossary", "Glossary > coroutine", "A more general form of subroutine.");
  Add(3, "Modules", "coroutine \xe2\x80\x94 the coroutine module", "What the module is for.");
  const std::vector<std::int64_t> rows = Rows("What is a coroutine?");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows.back(), 1);
}

TEST_F(KeywordIndexTest, RowsAboveTheCeilingAreNotFound) {
  Add(1, "", "", "treasure here", policy::Label::kSecret);
  Add(2, "", "", "treasure there", policy::Label::kPublic);
  EXPECT_EQ(Rows("treasure", policy::Label::kInternal), (std::vector<std::int64_t>{2}));
  EXPECT_EQ(Rows("treasure").size(), 2U);
}

TEST_F(KeywordIndexTest, RemovedRowsAreNotFound) {
  Add(1, "", "", "treasure here");
  ASSERT_TRUE(index_.Remove(1).has_value());
  EXPECT_TRUE(Rows("treasure").empty());
  EXPECT_FALSE(index_.Get(1).has_value());
}

TEST_F(KeywordIndexTest, NoQuestionIsAnErrorOrAnOperator) {
  Add(1, "", "", "and or not near");
  for (const char* query :
       {"\"", "'; DROP TABLE chunk; --", "title:x", "x*", "NEAR(a b)", "(((", "a AND", "NOT", "^x",
        "{title}: y", "-x", "\xff\xfe", "", "   ", "\"unbalanced OR", "a + b", "x\"y"}) {
    Result<std::vector<Ranked>> found = index_.Search(V(query), policy::Label::kSecret, 10);
    EXPECT_TRUE(found.has_value()) << query;
  }
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    std::string query;
    for (std::uint32_t n = random() % 30; n > 0; --n) {
      query += static_cast<char>(random() % 256);
    }
    EXPECT_TRUE(index_.Search(V(query), policy::Label::kSecret, 10).has_value()) << i;
  }
}

TEST_F(KeywordIndexTest, OnlyStopWordsStillSearch) {
  Add(1, "", "", "To be or not to be.");
  EXPECT_EQ(Rows("to be").size(), 1U);
}

TEST(FtsQueryTest, QuotesWordsAndDropsStopWords) {
  EXPECT_EQ(QueryOf("how does a red fox hunt in winter"),
            "{title heading text} : (\"red\" OR \"fox\" OR \"hunt\" OR \"winter\" OR "
            "\"red fox hunt winter\")");
  EXPECT_EQ(QueryOf("What is GIL?"),
            "{title heading text} : (\"GIL\") OR {title heading} : (\"GIL\") OR "
            "term : \"termbegins GIL termends\"");
  EXPECT_EQ(QueryOf("?!"), "");
}

TEST(FtsQueryTest, LongQuestionIsCut) {
  std::string question;
  for (int i = 0; i < 10'000; ++i) {
    question += "w" + std::to_string(i) + " ";
  }
  EXPECT_LT(QueryOf(question).size(), 1000U);
}

std::vector<float> Unit(std::mt19937& random, std::size_t dimensions) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(dimensions);
  float sum = 0;
  for (float& x : vector) {
    x = normal(random);
    sum += x * x;
  }
  for (float& x : vector) {
    x /= std::sqrt(sum);
  }
  return vector;
}

TEST(VectorIndexTest, FindsWhatComparingInDoublePrecisionFinds) {
  std::mt19937 random(1);
  constexpr std::size_t kDimensions = 67;  // no multiple of a register
  VectorIndex index(kDimensions);
  std::vector<std::vector<float>> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(Unit(random, kDimensions));
    index.Add(i, policy::Label::kPublic, all.back());
  }
  for (int i = 0; i < 300; i += 3) {
    index.Remove(i);
  }
  const std::vector<float> query = Unit(random, kDimensions);
  std::vector<std::pair<double, int>> expected;
  for (int i = 0; i < 300; ++i) {
    double sum = 0;
    for (std::size_t d = 0; d < kDimensions; ++d) {
      sum += static_cast<double>(all[static_cast<std::size_t>(i)][d]) * query[d];
    }
    if (i % 3 != 0) {
      expected.emplace_back(-sum, i);
    }
  }
  std::ranges::sort(expected);
  const std::vector<Ranked> found = index.Search(query, policy::Label::kSecret, 10);
  ASSERT_EQ(found.size(), 10U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].row, expected[i].second);
    EXPECT_NEAR(found[i].score, -expected[i].first, 1e-5);
  }
  EXPECT_EQ(index.size(), 200U);
}

TEST(VectorIndexTest, CeilingAndDimensionsAreRespected) {
  VectorIndex index(2);
  index.Add(1, policy::Label::kSecret, std::vector<float>{1, 0});
  index.Add(2, policy::Label::kPublic, std::vector<float>{0, 1});
  const std::vector<Ranked> found =
      index.Search(std::vector<float>{1, 0}, policy::Label::kConfidential, 5);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].row, 2);
  EXPECT_TRUE(index.Search(std::vector<float>{1, 0, 0}, policy::Label::kSecret, 5).empty());
}

TEST(FusionTest, FirstInBothScoresOneAndTheKeywordListLeads) {
  const std::vector<Ranked> keyword = {{1, 9}, {2, 8}, {3, 7}};
  const std::vector<Ranked> vector = {{1, 0.9}, {4, 0.8}};
  const std::vector<Ranked> fused = Fuse(keyword, vector, {}, 10);
  ASSERT_EQ(fused.size(), 4U);
  EXPECT_EQ(fused[0].row, 1);
  EXPECT_DOUBLE_EQ(fused[0].score, 1.0);
  EXPECT_EQ(fused[1].row, 2);
  EXPECT_EQ(fused[2].row, 3);
  EXPECT_EQ(fused[3].row, 4);
  EXPECT_NEAR(fused[1].score, 0.8 * 11 / 12, 1e-12);
}

TEST(FusionTest, NoKeywordHitsStillGiveVectorHits) {
  const std::vector<Ranked> vector = {{4, 0.8}, {5, 0.7}};
  const std::vector<Ranked> fused = Fuse({}, vector, {}, 1);
  ASSERT_EQ(fused.size(), 1U);
  EXPECT_EQ(fused[0].row, 4);
  EXPECT_NEAR(fused[0].score, 0.2, 1e-12);
}

}  // namespace
}  // namespace casemate::retrieval
