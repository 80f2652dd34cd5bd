#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "policy/label.h"
#include "policy/release.h"

namespace casemate::policy {
namespace {

TEST(LabelTest, NamesAreParsedBack) {
  for (const Label label :
       {Label::kPublic, Label::kInternal, Label::kConfidential, Label::kSecret}) {
    const Result<Label> parsed = ParseLabel(LabelName(label));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, label);
  }
}

TEST(LabelTest, AnotherWordIsRefusedAndNotRepeated) {
  for (const std::string_view name : {"", "Secret", "secret ", "top-secret"}) {
    const Result<Label> parsed = ParseLabel(name);
    ASSERT_FALSE(parsed.has_value()) << name;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(parsed.error().message, testing::HasSubstr("confidential"));
    EXPECT_THAT(parsed.error().message, testing::Not(testing::HasSubstr("top-")));
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
