#include "inference/room/prompt_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace casemate::inference {
namespace {

std::vector<std::int32_t> LookUp(const std::vector<std::int32_t>& prompt,
                                 const std::vector<std::int32_t>& answer, std::size_t count) {
  const TokenBuffer draft = LookUpDraft(prompt, answer, count);
  return {draft.RevealTokens().begin(), draft.RevealTokens().end()};
}

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PromptLookupTest, ProposesWhatFollowedBefore) {
  EXPECT_THAT(LookUp({1, 2, 3, 4, 5, 6, 9}, {2, 3, 4}, 2), ElementsAre(5, 6));
}

TEST(PromptLookupTest, TheLatestPlaceWins) {
  EXPECT_THAT(LookUp({1, 2, 3, 7, 1, 2, 3, 8}, {1, 2, 3}, 1), ElementsAre(8));
}

TEST(PromptLookupTest, ThreeTokensCountMoreThanTwo) {
  EXPECT_THAT(LookUp({1, 2, 3, 7, 9, 2, 3, 8}, {1, 2, 3}, 1), ElementsAre(7));
  EXPECT_THAT(LookUp({9, 2, 3, 8}, {1, 2, 3}, 1), ElementsAre(8));
}

TEST(PromptLookupTest, AMatchMayOverlapWhatItIsMatchedWith) {
  EXPECT_THAT(LookUp({5}, {6, 6, 6, 6}, 4), ElementsAre(6));
}

TEST(PromptLookupTest, NothingIsProposedFromNothing) {
  EXPECT_THAT(LookUp({1, 2, 3}, {4}, 4), IsEmpty());
  EXPECT_THAT(LookUp({}, {}, 4), IsEmpty());
  EXPECT_THAT(LookUp({1, 2}, {}, 4), IsEmpty());
  EXPECT_THAT(LookUp({1, 2, 3, 4}, {1, 2, 3}, 0), IsEmpty());
}

TEST(DraftLengthTest, WhereATokenCostsAStepNothingIsDrafted) {
  DraftLength length;
  for (std::size_t tokens = 1; tokens <= 1 + kMaxDraft; ++tokens) {
    length.NoteStep(tokens, 400.0 * static_cast<double>(tokens));
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(length.Choose(1), 0U);
  }
}

TEST(DraftLengthTest, WhereStepsCostTheSameMuchIsDraftedWhileItIsRight) {
  DraftLength length;
  for (std::size_t tokens = 1; tokens <= 1 + kMaxDraft; ++tokens) {
    length.NoteStep(tokens, 1000);
  }
  EXPECT_EQ(length.Choose(1), kMaxDraft);
  for (int i = 0; i < 100; ++i) {
    length.NoteDraft(kMaxDraft, 0);
  }
  EXPECT_EQ(length.Choose(1), 0U);
}

TEST(DraftLengthTest, WhatIsNotMeasuredIsTriedAndWhatDoesNotPayNowAndThen) {
  DraftLength length;
  EXPECT_EQ(length.Choose(1), 0U);  // no plain step yet
  length.NoteStep(1, 100);
  EXPECT_GT(length.Choose(1), 0U);
  for (std::size_t tokens = 2; tokens <= 1 + kMaxDraft; ++tokens) {
    length.NoteStep(tokens, 10'000);
  }
  int tried = 0;
  for (int i = 0; i < 640; ++i) {
    tried += length.Choose(1) > 0 ? 1 : 0;
  }
  EXPECT_EQ(tried, 10);
}

}  // namespace
}  // namespace casemate::inference
