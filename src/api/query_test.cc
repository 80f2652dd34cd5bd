#include "api/query.h"

#include <gtest/gtest.h>

namespace casemate::api {
namespace {

TEST(QueryTest, PairsAreDecoded) {
  Result<Query> query = Query::Parse("name=a+b%20%C3%BC&limit=5&&flag");
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->Find("name")->view().Reveal(), "a b ü");
  EXPECT_EQ(query->Word("limit"), "5");
  EXPECT_TRUE(query->Find("flag")->empty());
  EXPECT_EQ(query->Find("absent"), nullptr);
}

TEST(QueryTest, BadSequencesRepeatsAndFloodsAreRefused) {
  for (const char* bad : {"a=%", "a=%2", "a=%zz", "%=1", "a=1&a=2", "a=1&%61=2"}) {
    EXPECT_FALSE(Query::Parse(bad).has_value()) << bad;
  }
  std::string flood;
  for (std::size_t i = 0; i <= Query::kMaxPairs; ++i) {
    flood += "a" + std::to_string(i) + "=1&";
  }
  EXPECT_FALSE(Query::Parse(flood).has_value());
}

TEST(QueryTest, PagesAreReadInTheirRange) {
  const auto page = [](const char* text) { return ParsePage(*Query::Parse(text), 20, 100); };
  EXPECT_EQ(page("")->limit, 20U);
  EXPECT_EQ(page("limit=100&order=asc&after=file-x")->after, "file-x");
  EXPECT_TRUE(page("order=asc")->ascending);
  EXPECT_EQ(page("limit=0").error().param, "limit");
  EXPECT_EQ(page("limit=101").error().param, "limit");
  EXPECT_EQ(page("limit=5x").error().param, "limit");
  EXPECT_EQ(page("limit=-1").error().param, "limit");
  EXPECT_EQ(page("order=up").error().param, "order");
  EXPECT_EQ(page("colour=red").error().param, "colour");
}

}  // namespace
}  // namespace casemate::api
