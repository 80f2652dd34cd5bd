#include "secmem/secret_buffer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>
#include <utility>

namespace casemate {
namespace {

TEST(SecretBufferTest, AllocateGivesZeroBytes) {
  for (std::size_t size : {std::size_t{1}, std::size_t{4097}, SecretBuffer::kMaxSize}) {
    Result<SecretBuffer> buffer = SecretBuffer::Allocate(size);
    ASSERT_TRUE(buffer.has_value()) << buffer.error().message;
    EXPECT_EQ(buffer->size(), size);
    for (std::byte byte : buffer->RevealBytes()) {
      ASSERT_EQ(byte, std::byte{0});
    }
  }
}

TEST(SecretBufferTest, AllocateRefusesZeroAndOversize) {
  for (std::size_t size : {std::size_t{0}, SecretBuffer::kMaxSize + 1}) {
    Result<SecretBuffer> buffer = SecretBuffer::Allocate(size);
    ASSERT_FALSE(buffer.has_value());
    EXPECT_EQ(buffer.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(SecretBufferTest, TakeFromZeroesTheSource) {
  std::array source = {std::byte{0x01}, std::byte{0x02}, std::byte{0x03}};
  const std::array expected = source;

  Result<SecretBuffer> buffer = SecretBuffer::TakeFrom(source);

  ASSERT_TRUE(buffer.has_value()) << buffer.error().detail;
  EXPECT_TRUE(buffer->EqualsConstantTime(expected));
  EXPECT_EQ(source, (std::array<std::byte, 3>{}));
}

TEST(SecretBufferTest, TakeFromLeavesTheSourceAloneOnError) {
  Bytes source(SecretBuffer::kMaxSize + 1, std::byte{7});
  EXPECT_FALSE(SecretBuffer::TakeFrom(source).has_value());
  EXPECT_EQ(source.front(), std::byte{7});
}

TEST(SecretBufferTest, EqualityNeedsSameSizeAndBytes) {
  std::array source = {std::byte{1}, std::byte{2}};
  Result<SecretBuffer> buffer = SecretBuffer::TakeFrom(source);
  ASSERT_TRUE(buffer.has_value());
  EXPECT_FALSE(buffer->EqualsConstantTime(std::array{std::byte{1}}));
  EXPECT_FALSE(buffer->EqualsConstantTime(std::array{std::byte{1}, std::byte{3}}));
}

TEST(SecretBufferTest, MovingEmptiesTheSource) {
  std::array source = {std::byte{1}, std::byte{2}};
  Result<SecretBuffer> first = SecretBuffer::TakeFrom(source);
  Result<SecretBuffer> second = SecretBuffer::Allocate(5);
  ASSERT_TRUE(first.has_value() && second.has_value());
  *second = std::move(*first);
  EXPECT_EQ(second->size(), 2U);
  EXPECT_EQ(first->size(), 0U);  // NOLINT(bugprone-use-after-move): the contract names this state
}

// VmFlags of the mapping that holds `address`, from /proc/self/smaps (proc_pid_smaps(5)).
std::string VmFlagsOf(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      const auto value = reinterpret_cast<unsigned long>(address);
      inside = begin <= value && value < end;
    } else if (inside && line.starts_with("VmFlags:")) {
      return line + " ";
    }
  }
  return {};
}

TEST(SecretBufferTest, PagesAreLockedAndLeftOutOfDumpsAndForks) {
  Result<SecretBuffer> buffer = SecretBuffer::Allocate(32);
  ASSERT_TRUE(buffer.has_value());
  const std::string flags = VmFlagsOf(buffer->RevealBytes().data());
  EXPECT_NE(flags.find(" lo "), std::string::npos) << flags;  // locked
  EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;  // do not dump
  EXPECT_NE(flags.find(" wf "), std::string::npos) << flags;  // wipe on fork
}

TEST(SecretBufferTest, AllocateRefusesWhenNothingCanBeLocked) {
  // In a child, because the limit cannot be raised again. CAP_IPC_LOCK ignores the limit, so the
  // child gives up root first.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (::getuid() == 0 && ::setuid(65534) != 0)) {
      ::_exit(2);
    }
    const Result<SecretBuffer> buffer = SecretBuffer::Allocate(32);
    ::_exit(!buffer && buffer.error().code == ErrorCode::kResourceExhausted ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace casemate
