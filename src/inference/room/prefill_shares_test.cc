#include "inference/room/prefill_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace casemate::inference {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::size_t> Share(const std::vector<PrefillNeed>& needs, std::size_t budget) {
  return SharePrefill(needs, budget);
}

TEST(PrefillSharesTest, OnePromptGetsAllThatItNeeds) {
  EXPECT_THAT(Share({{.share = 1, .tokens = 1000}}, 256), ElementsAre(256));
  EXPECT_THAT(Share({{.share = 1, .tokens = 10}}, 256), ElementsAre(10));
  EXPECT_THAT(Share({}, 256), IsEmpty());
}

TEST(PrefillSharesTest, AShortPromptIsDoneAtOnceBesideALongOne) {
  EXPECT_THAT(Share({{.share = 1, .tokens = 16'000}, {.share = 1, .tokens = 20}}, 256),
              ElementsAre(236, 20));
}

TEST(PrefillSharesTest, ManyPromptsOfOneShareGetNoMoreThanOneOfAnother) {
  EXPECT_THAT(Share({{.share = 1, .tokens = 900},
                     {.share = 1, .tokens = 900},
                     {.share = 1, .tokens = 900},
                     {.share = 2, .tokens = 900}},
                    240),
              ElementsAre(40, 40, 40, 120));
}

TEST(PrefillSharesTest, TheBudgetIsUsedUpWhileAnythingIsLeft) {
  for (std::size_t budget : {1U, 3U, 7U, 100U, 256U}) {
    const std::vector<PrefillNeed> needs = {{.share = 1, .tokens = 3},
                                            {.share = 2, .tokens = 500},
                                            {.share = 2, .tokens = 1},
                                            {.share = 3, .tokens = 40}};
    const std::vector<std::size_t> given = Share(needs, budget);
    EXPECT_EQ(std::accumulate(given.begin(), given.end(), std::size_t{0}), budget);
    for (std::size_t i = 0; i < needs.size(); ++i) {
      EXPECT_LE(given[i], needs[i].tokens);
    }
  }
}

}  // namespace
}  // namespace casemate::inference
