#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "policy/label.h"
#include "policy/release.h"

namespace casemate::policy {
namespace {

TEST(LabelOrderTest, NamesOfTheDefaultAreParsedBack) {
  const LabelOrder order;
  for (const Label label :
       {Label::kPublic, Label::kInternal, Label::kConfidential, Label::kSecret}) {
    const Result<Label> parsed = order.Parse(order.Name(label));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, label);
  }
  EXPECT_EQ(order.highest(), Label::kSecret);
  EXPECT_EQ(order.Name(kHighestLabel), "secret");
  EXPECT_EQ(order.ToString(), "public < internal < confidential < secret");
}

TEST(LabelOrderTest, AnotherWordIsRefusedAndNotRepeated) {
  for (const std::string_view name : {"", "Secret", "secret ", "top-secret"}) {
    const Result<Label> parsed = LabelOrder().Parse(name);
    ASSERT_FALSE(parsed.has_value()) << name;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(parsed.error().message, testing::HasSubstr("confidential"));
    EXPECT_THAT(parsed.error().message, testing::Not(testing::HasSubstr("top-")));
  }
}

TEST(LabelOrderTest, AnOrderOfOnesOwnNumbersItsNames) {
  const Result<LabelOrder> order = LabelOrder::Of({"offen", "vs-nfd", "geheim"});
  ASSERT_TRUE(order.has_value()) << order.error().message;
  EXPECT_EQ(order->Parse("vs-nfd").value(), Label{1});
  EXPECT_EQ(order->highest(), Label{2});
  EXPECT_FALSE(order->Parse("public").has_value());
}

TEST(LabelOrderTest, RefusesTooFewTooManyTwiceAndOddNames) {
  std::vector<std::string> many;
  for (int i = 0; i < 17; ++i) {
    many.push_back("label" + std::to_string(i));
  }
  EXPECT_FALSE(LabelOrder::Of(many).has_value());
  many.pop_back();
  EXPECT_TRUE(LabelOrder::Of(many).has_value());
  for (const std::vector<std::string>& names :
       std::initializer_list<std::vector<std::string>>{{},
                                                       {"one"},
                                                       {"a", "a"},
                                                       {"a", ""},
                                                       {"a", "B"},
                                                       {"a", "b c"},
                                                       {"a", std::string(33, 'x')}}) {
    const Result<LabelOrder> order = LabelOrder::Of(names);
    ASSERT_FALSE(order.has_value());
    EXPECT_EQ(order.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ActionsTest, SetsAreWrittenAndParsedBack) {
  for (ActionSet actions = 1; actions <= kEveryAction; ++actions) {
    EXPECT_EQ(ParseActions(ActionNames(actions)).value(), actions);
  }
  EXPECT_EQ(ParseActions("search,read").value(), Action::kRead | Action::kSearch);
  for (const std::string_view names : {"", "reads", "read;search", "read, search"}) {
    EXPECT_FALSE(ParseActions(names).has_value()) << names;
  }
}

TEST(LabelTest, TheMoreConfidentialOfTwoWins) {
  EXPECT_EQ(Highest(Label::kInternal, Label::kSecret), Label::kSecret);
  EXPECT_EQ(Highest(Label::kConfidential, Label::kPublic), Label::kConfidential);
}

// google.cloud.kms.v1.AccessReason: the numbers of the names.
TEST(JustificationTest, NumbersAndNamesAreThoseOfAccessReason) {
  EXPECT_EQ(static_cast<int>(ParseJustification("CUSTOMER_INITIATED_ACCESS")), 5);
  EXPECT_EQ(static_cast<int>(ParseJustification("THIRD_PARTY_DATA_REQUEST")), 3);
  EXPECT_EQ(static_cast<int>(ParseJustification("CUSTOMER_AUTHORIZED_WORKFLOW_SERVICING")), 11);
  for (int number = 0; number <= 11; ++number) {
    const auto value = static_cast<Justification>(number);
    EXPECT_EQ(ParseJustification(JustificationName(value)), value) << number;
  }
}

TEST(JustificationTest, AnUnknownNameIsUnknownAndRefused) {
  EXPECT_EQ(ParseJustification("customer_initiated_access"), Justification::kUnknown);
  EXPECT_EQ(ParseJustification(""), Justification::kUnknown);
  EXPECT_FALSE(AllowedByDefault(Justification::kUnknown));
}

TEST(JustificationTest, ExactlyFourReasonsAreAllowedByDefault) {
  std::set<int> allowed;
  for (int number = 0; number < 256; ++number) {
    if (AllowedByDefault(static_cast<Justification>(number))) {
      allowed.insert(number);
    }
  }
  EXPECT_EQ(allowed, (std::set<int>{1, 5, 6, 7}));
}

TEST(ReleaseTest, EveryNumberInUseHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int number = 1; number <= kLastPurpose; ++number) {
    names.insert(PurposeName(static_cast<Purpose>(number)));
  }
  EXPECT_EQ(names.size(), kLastPurpose);
  EXPECT_FALSE(names.contains("unknown"));
  names.clear();
  for (int number = 1; number <= kLastObjectKind; ++number) {
    names.insert(ObjectKindName(static_cast<ObjectKind>(number)));
  }
  EXPECT_EQ(names.size(), kLastObjectKind);
  EXPECT_FALSE(names.contains("unknown"));
  names.clear();
  for (int number = 0; number <= kLastRule; ++number) {
    names.insert(RuleName(static_cast<Rule>(number)));
  }
  EXPECT_EQ(names.size(), kLastRule + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(ReleaseTest, NumbersOutsideAreUnknown) {
  EXPECT_EQ(PurposeName(static_cast<Purpose>(0)), "unknown");
  EXPECT_EQ(PurposeName(static_cast<Purpose>(kLastPurpose + 1)), "unknown");
  EXPECT_EQ(ObjectKindName(static_cast<ObjectKind>(0)), "unknown");
  EXPECT_EQ(ReleaseLevelName(static_cast<ReleaseLevel>(5)), "unknown");
  EXPECT_EQ(RuleName(static_cast<Rule>(kLastRule + 1)), "unknown");
}

TEST(ReleaseTest, ReadingNeverOpensSearchOrSealingKeys) {
  const ActionSet read = static_cast<ActionSet>(Action::kRead);
  EXPECT_TRUE(Allows(read, ActionFor(Purpose::kContent)));
  for (const Purpose purpose : {Purpose::kChunks, Purpose::kVectors, Purpose::kKeywords,
                                Purpose::kSalt, Purpose::kSigningSeed, Purpose::kChangeIndex}) {
    EXPECT_FALSE(Allows(read, ActionFor(purpose))) << PurposeName(purpose);
  }
  EXPECT_TRUE(Allows(Action::kList | Action::kSearch, ActionFor(Purpose::kVectors)));
}

}  // namespace
}  // namespace casemate::policy
