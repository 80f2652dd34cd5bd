#include "assess/yaml/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casemate::assess::yaml {
namespace {

std::string MessageOf(const Result<Node>& node) {
  return node ? std::string("(no error)") : node.error().message;
}

TEST(YamlTest, NodesKnowTheirPlace) {
  Result<Node> root = Parse("a: 1\nlist:\n  - x\n  - {b: \"2\"}\n");
  ASSERT_TRUE(root) << root.error().message;
  ASSERT_TRUE(root->is_mapping());
  EXPECT_EQ(root->Get("a")->text, "1");
  const Node* list = root->Get("list");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->items.size(), 2U);
  EXPECT_EQ(list->items[0].mark, (Mark{.line = 3, .column = 5}));
  EXPECT_FALSE(list->items[0].quoted);
  EXPECT_TRUE(list->items[1].Get("b")->quoted);
  EXPECT_EQ(root->Get("c"), nullptr);
}

TEST(YamlTest, NorwayStaysText) {
  Result<Node> root = Parse("seat: NO\nswap: off\ndate: 2026-11-22\n");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->Get("seat")->text, "NO");
  EXPECT_EQ(root->Get("swap")->text, "off");
  EXPECT_EQ(root->Get("date")->text, "2026-11-22");
}

TEST(YamlTest, ANameTwiceIsRefusedWithBothPlaces) {
  EXPECT_EQ(MessageOf(Parse("a: 1\nb: 2\na: 3\n")),
            "3:1: \"a\" stands here twice (first in line 1); keep one");
}

TEST(YamlTest, AliasesAnchorsTagsAndSecondDocumentsAreRefused) {
  // The "billion laughs": nine lines that stand for gigabytes.
  EXPECT_THAT(MessageOf(Parse("a: &a [x, x]\nb: [*a, *a]\n")), testing::HasSubstr("1:4: anchors"));
  EXPECT_THAT(MessageOf(Parse("b: *a\n")), testing::HasSubstr("1:4: aliases"));
  EXPECT_THAT(MessageOf(Parse("a: !!binary aGk=\n")), testing::HasSubstr("1:4: tags"));
  EXPECT_THAT(MessageOf(Parse("a: 1\n---\nb: 2\n")), testing::HasSubstr("2:1: a second document"));
}

TEST(YamlTest, TextThatIsNoYamlIsRefusedWithItsPlace) {
  EXPECT_THAT(MessageOf(Parse("a: [1, 2\nb: 3\n")), testing::StartsWith("2:2: not YAML"));
  EXPECT_THAT(MessageOf(Parse("a:\n\t- 1\n")), testing::StartsWith("2:1: not YAML"));
  EXPECT_THAT(MessageOf(Parse("a: \xFF\n")), testing::HasSubstr("expected UTF-8"));
  EXPECT_EQ(MessageOf(Parse(std::string_view())), "1:1: the file is empty");
  EXPECT_EQ(MessageOf(Parse("")), "1:1: the file is empty");
  EXPECT_EQ(MessageOf(Parse("# nothing\n")), "1:1: the file is empty");
  EXPECT_THAT(MessageOf(Parse("[a]: 1\n")), testing::HasSubstr("expected a name"));
}

TEST(YamlTest, EveryLimitIsKept) {
  Result<Node> large = Parse(std::string(10'000'001, ' '));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(large.error().message, testing::HasSubstr("10000001 bytes"));

  Result<Node> deep = Parse(std::string(25, '[') + std::string(25, ']'));
  EXPECT_EQ(MessageOf(deep), "1:25: nested deeper than 24 levels");
  EXPECT_TRUE(Parse(std::string(24, '[') + std::string(24, ']')));

  Result<Node> many = Parse("[a, b, c, d]", {.max_nodes = 3});
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, ErrorCode::kTooLarge);
}

TEST(YamlTest, DidYouMeanNamesTheNearestAndNothingFar) {
  EXPECT_EQ(DidYouMean("operater", {"operator", "tenancy"}), " (did you mean \"operator\"?)");
  EXPECT_EQ(DidYouMean("zzzzzz", {"operator", "tenancy"}), "");
  EXPECT_EQ(DidYouMean(std::string(65, 'x'), {"operator"}), "");
}

}  // namespace
}  // namespace casemate::assess::yaml
