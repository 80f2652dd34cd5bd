#include "secmem/residue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <functional>

namespace casemate::residue {
namespace {

constexpr std::string_view kCanary = "q7hz0v4k1xw9m2p8t5c3r6y0b7n1d4fs";
constexpr std::array<std::int32_t, 5> kTokens = {17, 900, 4096, 3, 77};

std::vector<Needle> Needles() {
  Result<std::vector<Needle>> needles = EncodeCanary(PlaintextView::Of(kCanary), kTokens);
  EXPECT_TRUE(needles.has_value());
  return *std::move(needles);
}

std::string TextOf(const std::vector<Needle>& needles, std::string_view encoding) {
  const auto found = std::ranges::find(needles, encoding, &Needle::encoding);
  return found == needles.end() ? "(none)" : std::string(AsText(found->bytes));
}

// Runs `hold` in a child that then waits, and scans it.
Result<ProcessResidue> ScanChild(const std::function<void()>& hold,
                                 std::span<const Needle> needles) {
  int ends[2] = {};
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    hold();
    (void)!::write(ends[1], "r", 1);
    for (;;) {
      ::pause();
    }
  }
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 1);
  Result<ProcessResidue> scanned = ScanProcess(child, needles);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return scanned;
}

std::uint64_t CopiesIn(const ProcessResidue& scanned, std::string_view encoding, Place place) {
  std::uint64_t copies = 0;
  for (const Finding& finding : scanned.findings) {
    copies += finding.encoding == encoding && finding.place == place ? finding.copies : 0;
  }
  return copies;
}

char* MapPages(std::size_t size, int flags, int fd) {
  return static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0));
}

TEST(ResidueTest, EncodingsAreThoseOfTheStandards) {
  // Written by CPython: base64.b64encode, str.encode, json.dumps of each character, quote.
  Result<std::vector<Needle>> made =
      EncodeCanary(PlaintextView::Of("abcdefgh01234567"), std::span<const std::int32_t>());
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(TextOf(*made, "utf-8"), "abcdefgh01234567");
  EXPECT_EQ(TextOf(*made, "base64+0"), "YWJjZGVmZ2gwMTIzNDU2N");
  EXPECT_EQ(TextOf(*made, "base64+1"), "FiY2RlZmdoMDEyMzQ1Nj");
  EXPECT_EQ(TextOf(*made, "base64+2"), "hYmNkZWZnaDAxMjM0NTY3");
  EXPECT_EQ(TextOf(*made, "hex"), "61626364656667683031323334353637");
  EXPECT_TRUE(TextOf(*made, "json").starts_with("\\u0061\\u0062"));
  EXPECT_TRUE(TextOf(*made, "percent").starts_with("%61%62"));
  EXPECT_EQ(TextOf(*made, "utf-16le").substr(0, 4), std::string("a\0b\0", 4));
  EXPECT_EQ(TextOf(*made, "utf-16be").substr(0, 4), std::string("\0a\0b", 4));
}

TEST(ResidueTest, OtherTextIsNoCanary) {
  for (const std::string_view text : {"short", "with space in it 123", "UPPERCASE0123456789"}) {
    EXPECT_FALSE(EncodeCanary(PlaintextView::Of(text), kTokens).has_value()) << text;
  }
  EXPECT_FALSE(EncodeCanary(PlaintextView::Of(std::string(65, 'a')), kTokens).has_value());
  EXPECT_FALSE(EncodeCanary(PlaintextView::Of(kCanary), std::span(kTokens).first(3)).has_value());
}

TEST(ResidueTest, TheControlIsFoundInEveryEncoding) {
  const std::vector<Needle> needles = Needles();
  Result<ProcessResidue> control = ScanControl(needles);
  ASSERT_TRUE(control.has_value()) << control.error().message;
  EXPECT_GE(control->copies(), 2 * needles.size());
}

TEST(ResidueTest, EachPlaceIsReadAndNamed) {
  const std::vector<Needle> needles = Needles();
  Result<ProcessResidue> before = ScanChild([] {}, needles);
  ASSERT_TRUE(before.has_value()) << before.error().message;
  Result<ProcessResidue> after = ScanChild(
      [] {
        char* plain = MapPages(1 << 16, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        std::memcpy(plain + 4090, kCanary.data(), kCanary.size());  // across a page's border
        const int mapped = ::memfd_create("mapped", 0);
        (void)!::ftruncate(mapped, 1 << 16);
        std::memcpy(MapPages(1 << 16, MAP_SHARED, mapped), kCanary.data(), kCanary.size());
        const int held = ::memfd_create("held", 0);
        (void)!::write(held, kCanary.data(), kCanary.size());
      },
      needles);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(CopiesIn(*after, "utf-8", Place::kAnonymous),
            CopiesIn(*before, "utf-8", Place::kAnonymous) + 1);
  EXPECT_EQ(CopiesIn(*before, "utf-8", Place::kMemfd), 0U);
  EXPECT_EQ(CopiesIn(*after, "utf-8", Place::kMemfd), 2U);
  EXPECT_GT(after->scanned_bytes, 1U << 20);
}

TEST(ResidueTest, PagesWithoutRightsAreReadOrSaidToBeUnread) {
  const std::vector<Needle> needles = Needles();
  Result<ProcessResidue> before = ScanChild([] {}, needles);
  Result<ProcessResidue> after = ScanChild(
      [] {
        char* page = MapPages(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        std::memcpy(page, kCanary.data(), kCanary.size());
        ::mprotect(page, 4096, PROT_NONE);
      },
      needles);
  ASSERT_TRUE(before.has_value() && after.has_value());
  // Whether /proc/PID/mem may override a page's rights is the kernel's choice (PROC_MEM_*).
  const bool was_read = after->copies() == before->copies() + 1;
  EXPECT_NE(was_read, after->unread_bytes == before->unread_bytes + 4096);
}

TEST(ResidueTest, SecretMemoryIsCountedAndNotRead) {
  const int secret = static_cast<int>(::syscall(SYS_memfd_secret, 0));
  if (secret < 0) {
    EXPECT_EQ(errno, ENOSYS);  // a kernel without it has none to count
    return;
  }
  ASSERT_EQ(::ftruncate(secret, 4096), 0);
  const std::vector<Needle> needles = Needles();
  Result<ProcessResidue> scanned = ScanChild(
      [secret] { std::memcpy(MapPages(4096, MAP_SHARED, secret), kCanary.data(), kCanary.size()); },
      needles);
  ::close(secret);
  ASSERT_TRUE(scanned.has_value());
  EXPECT_EQ(scanned->secret_bytes, 4096U);
}

TEST(ResidueTest, AProcessThatIsNotThereIsNotFound) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  Result<ProcessResidue> scanned = ScanProcess(child, Needles());
  ASSERT_FALSE(scanned.has_value());
  EXPECT_EQ(scanned.error().code, ErrorCode::kNotFound);
}

TEST(ResidueTest, AProcessTreeHoldsChildrenOfChildren) {
  int ends[2] = {};
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const pid_t grandchild = ::fork();
    if (grandchild != 0) {
      (void)!::write(ends[1], &grandchild, sizeof(grandchild));
    }
    ::pause();
    ::_exit(0);
  }
  pid_t grandchild = 0;
  ASSERT_EQ(::read(ends[0], &grandchild, sizeof(grandchild)), ssize_t{sizeof(grandchild)});
  EXPECT_THAT(ProcessTree(::getpid()), ::testing::IsSupersetOf({::getpid(), child, grandchild}));
  ::kill(grandchild, SIGKILL);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace casemate::residue
