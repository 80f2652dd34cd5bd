#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "base/fd.h"
#include "secmem/key_arena_internal.h"

namespace casemate::internal {
namespace {

TEST(KeyArenaTest, LockedAnonymousMemoryServesEverySlotOnceThenRefuses) {
  Result<std::unique_ptr<KeyArena>> arena =
      KeyArena::MapAs(KeyArena::Backing::kLockedAnonymous, KeyArena::kMinBytes);
  ASSERT_TRUE(arena.has_value()) << arena.error().message;
  ASSERT_EQ((*arena)->slots(), KeyArena::kMinBytes / kKeySize);
  std::set<std::byte*> taken;
  for (std::size_t i = 0; i < (*arena)->slots(); ++i) {
    Result<std::byte*> slot = (*arena)->Take();
    ASSERT_TRUE(slot.has_value());
    ASSERT_TRUE((*arena)->Owns(*slot) && (*arena)->Owns(*slot + kKeySize - 1));
    **slot = std::byte{9};
    ASSERT_TRUE(taken.insert(*slot).second);
  }
  Result<std::byte*> none = (*arena)->Take();
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::kResourceExhausted);

  (*arena)->Return(*taken.begin());
  Result<std::byte*> again = (*arena)->Take();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(**again, std::byte{0});
}

// Runs `body` in a child without root's rights and with `limit` bytes of lockable memory.
template <typename Body>
int InChildWithLimit(rlim_t limit, Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit memlock{.rlim_cur = limit, .rlim_max = limit};
    if (::setrlimit(RLIMIT_MEMLOCK, &memlock) != 0 || (::getuid() == 0 && ::setuid(65534) != 0)) {
      ::_exit(2);
    }
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

TEST(KeyArenaTest, MemfdSecretIsUsedWhereTheKernelHasIt) {
  const UniqueFd probe(static_cast<int>(::syscall(SYS_memfd_secret, 0)));
  Result<std::unique_ptr<KeyArena>> arena = KeyArena::Map();
  ASSERT_TRUE(arena.has_value()) << arena.error().message;
  EXPECT_EQ((*arena)->backing(),
            probe.valid() ? KeyArena::Backing::kMemfdSecret : KeyArena::Backing::kLockedAnonymous);
  Result<std::byte*> slot = (*arena)->Take();
  ASSERT_TRUE(slot.has_value());
  **slot = std::byte{5};
  (*arena)->Return(*slot);
  EXPECT_EQ(**slot, std::byte{0});
}

TEST(KeyArenaTest, UsualLimitGivesTheFullArena) {
  EXPECT_EQ(InChildWithLimit(8 * 1024 * 1024,
                             [] {
                               auto arena = KeyArena::Map();
                               return arena && (*arena)->slots() == 131072;
                             }),
            0);
}

TEST(KeyArenaTest, SmallLimitGivesASmallerArena) {
  EXPECT_EQ(InChildWithLimit(1024 * 1024,
                             [] {
                               auto arena = KeyArena::Map();
                               return arena && (*arena)->slots() == 32768;
                             }),
            0);
}

TEST(KeyArenaTest, LimitUnderTheSmallestArenaIsRefused) {
  EXPECT_EQ(InChildWithLimit(128 * 1024,
                             [] {
                               auto arena = KeyArena::Map();
                               return !arena && arena.error().code == ErrorCode::kResourceExhausted;
                             }),
            0);
}

}  // namespace
}  // namespace casemate::internal
