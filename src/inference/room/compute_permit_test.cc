#include "inference/room/compute_permit.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>

namespace casemate::inference {
namespace {

UniqueFd PermitFile() {
  UniqueFd file(::memfd_create("permit", MFD_CLOEXEC));
  EXPECT_TRUE(file.valid());
  return file;
}

// An open description of its own, as each room gets one.
UniqueFd Reopen(const UniqueFd& file) {
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  return UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
}

// Rooms that always want to compute, stepped by hand.
TEST(FairShareTest, SharesOfBusyRoomsConvergeWhateverTheirStepsCost) {
  auto page = std::make_unique<FairPage>();
  const std::array<std::uint64_t, 3> costs = {272, 17, 24};  // a long prompt, one stream, eight
  std::array<std::uint64_t, 3> work{};
  std::array<int, 3> steps{};
  for (int i = 0; i < 3000; ++i) {
    for (std::size_t room = 0; room < 3; ++room) {
      page->Want(room);
    }
    for (std::size_t room = 0; room < 3; ++room) {
      if (!page->IsAnotherBefore(room)) {
        page->Serve(room, costs[room]);
        work[room] += costs[room];
        ++steps[room];
        break;
      }
    }
  }
  // Nobody is ahead of another by more than a step.
  for (std::size_t room = 1; room < 3; ++room) {
    EXPECT_LE(std::max(work[0], work[room]) - std::min(work[0], work[room]), 272U);
  }
  EXPECT_NEAR(steps[1] / steps[0], 272 / 17, 1);
}

TEST(FairShareTest, ARoomThatWasIdleHasSavedUpNothing) {
  auto page = std::make_unique<FairPage>();
  for (int i = 0; i < 100; ++i) {
    page->Want(0);
    page->Serve(0, 100);
  }
  int second_in_a_row = 0;  // of ten steps that both want
  for (int i = 0; i < 10; ++i) {
    page->Want(0);
    page->Want(1);
    const std::size_t next = page->IsAnotherBefore(0) ? 1 : 0;
    second_in_a_row += next == 1 ? 1 : 0;
    page->Serve(next, 100);
  }
  EXPECT_NEAR(second_in_a_row, 5, 1);
}

TEST(FairShareTest, ARoomThatRestsOrDoesNotComeIsPassedOverUntilItWantsAgain) {
  auto page = std::make_unique<FairPage>();
  page->Want(0);
  page->Want(1);
  page->Serve(0, 100);
  EXPECT_TRUE(page->IsAnotherBefore(0));  // between two steps too
  page->Rest(1);
  EXPECT_FALSE(page->IsAnotherBefore(0));
  page->Want(1);
  EXPECT_TRUE(page->IsAnotherBefore(0));
  page->ForgetBefore(0);
  EXPECT_FALSE(page->IsAnotherBefore(0));
}

TEST(ComputePermitTest, WithoutAFileEveryStepMayRun) {
  ComputePermit permit{UniqueFd()};
  EXPECT_TRUE(permit.Take(1).has_value());
  EXPECT_FALSE(permit.fair());
}

TEST(ComputePermitTest, OneStepAtATimeAndBothGetTheirShare) {
  const UniqueFd file = PermitFile();
  std::atomic<int> inside = 0;
  std::atomic<bool> overlapped = false;
  std::array<std::uint64_t, 2> work{};
  std::atomic<bool> over = false;
  std::atomic<int> started = 0;
  const auto room = [&](std::size_t number, std::size_t tokens) {
    ComputePermit permit(Reopen(file), std::chrono::seconds(60));
    EXPECT_TRUE(permit.fair());
    {
      EXPECT_TRUE(permit.Take(1).has_value());
    }  // from here on it wants more
    ++started;
    while (started < 2) {
      std::this_thread::yield();
    }
    while (!over) {
      {
        Result<ComputePermit::Held> held = permit.Take(tokens);
        ASSERT_TRUE(held.has_value());
        overlapped = overlapped || ++inside != 1;
        work[number] += tokens + 16;
        over = over || work[number] >= 100'000;
        --inside;
      }
      std::this_thread::yield();
    }
    permit.Rest();
  };
  {
    std::jthread large(room, 0, 256);
    std::jthread small(room, 1, 1);
  }
  EXPECT_FALSE(overlapped);
  // The lock alone gives both as many steps, and one of them sixteen times the work. They differ by
  // one step, and by one that was begun when the other rested.
  EXPECT_LE(std::max(work[0], work[1]) - std::min(work[0], work[1]), 2 * 272U);
}

TEST(ComputePermitTest, ARoomThatEndedWhileWaitingHoldsNobodyUp) {
  const UniqueFd file = PermitFile();
  ComputePermit alive(Reopen(file), std::chrono::milliseconds(1));
  {
    ASSERT_TRUE(alive.Take(100).has_value());
  }
  auto* page = static_cast<FairPage*>(
      ::mmap(nullptr, sizeof(FairPage), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
  ASSERT_NE(page, MAP_FAILED);
  page->rooms[77].busy = 1;  // killed before its turn
  EXPECT_TRUE(alive.Take(1).has_value());
  EXPECT_EQ(page->rooms[77].busy.load(), 0U);
  ::munmap(page, sizeof(FairPage));
}

TEST(ComputePermitTest, ANumberIsFreeAgainWhenItsRoomEnds) {
  const UniqueFd file = PermitFile();
  for (std::size_t i = 0; i < FairPage::kRooms + 10; ++i) {
    ComputePermit permit(Reopen(file));
    ASSERT_TRUE(permit.fair());
  }
}

}  // namespace
}  // namespace casemate::inference
