#include "sandbox/landlock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "sandbox/child_process.h"

namespace casemate::sandbox {
namespace {

class LandlockTest : public ::testing::Test {
 protected:
  LandlockTest() {
    std::string pattern = testing::TempDir() + "casemate-sandbox-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    for (const char* name : {"readable", "writable", "outside"}) {
      std::filesystem::create_directory(folder_ / name);
      std::ofstream(folder_ / name / "file") << "x";
    }
    rules_.read_only = {folder_ / "readable"};
    rules_.read_write = {folder_ / "writable"};
  }
  ~LandlockTest() override { std::filesystem::remove_all(folder_); }

  // errno of opening, 0 when it opened.
  static int Open(const std::filesystem::path& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    const int error = fd < 0 ? errno : 0;
    ::close(fd);
    return error;
  }
  // What `attempt` returns inside the sandbox; 100: it could not be entered.
  int Inside(const std::function<int()>& attempt) const {
    return RunInChild([&] { return Enter(rules_) ? attempt() : 100; });
  }

  std::filesystem::path folder_;
  Rules rules_;
};

TEST_F(LandlockTest, WhatIsListedCanBeOpened) {
  EXPECT_TRUE(ExitedWith(Inside([&] { return Open(folder_ / "readable" / "file", O_RDONLY); }), 0));
  EXPECT_TRUE(ExitedWith(Inside([&] { return Open(folder_ / "writable" / "file", O_RDWR); }), 0));
  EXPECT_TRUE(
      ExitedWith(Inside([&] { return Open(folder_ / "writable" / "new", O_CREAT | O_RDWR); }), 0));
}

TEST_F(LandlockTest, WhatIsNotListedCannotBeOpened) {
  EXPECT_TRUE(
      ExitedWith(Inside([&] { return Open(folder_ / "outside" / "file", O_RDONLY); }), EACCES));
  EXPECT_TRUE(ExitedWith(Inside([] { return Open("/etc/passwd", O_RDONLY); }), EACCES));
}

TEST_F(LandlockTest, ReadOnlyIsNotWritable) {
  EXPECT_TRUE(
      ExitedWith(Inside([&] { return Open(folder_ / "readable" / "file", O_WRONLY); }), EACCES));
  EXPECT_TRUE(ExitedWith(
      Inside([&] { return Open(folder_ / "readable" / "new", O_CREAT | O_WRONLY); }), EACCES));
  EXPECT_TRUE(ExitedWith(
      Inside([&] { return ::unlink((folder_ / "readable" / "file").c_str()) == 0 ? 0 : errno; }),
      EACCES));
}

TEST_F(LandlockTest, DescriptorsThatWereOpenStayUsable) {
  const int fd = ::open((folder_ / "outside" / "file").c_str(), O_RDONLY | O_CLOEXEC);
  char byte = 0;
  EXPECT_TRUE(ExitedWith(Inside([&] { return ::read(fd, &byte, 1) == 1 ? 0 : 1; }), 0));
  ::close(fd);
}

TEST_F(LandlockTest, ASymlinkInsideDoesNotLeadOut) {
  std::filesystem::create_symlink(folder_ / "outside" / "file", folder_ / "writable" / "link");
  EXPECT_TRUE(
      ExitedWith(Inside([&] { return Open(folder_ / "writable" / "link", O_RDONLY); }), EACCES));
}

TEST_F(LandlockTest, APathThatDoesNotExistIsNamed) {
  rules_.read_only.push_back(folder_ / "absent");
  EXPECT_TRUE(ExitedWith(RunInChild([&] {
                           Result<Applied> entered = Enter(rules_);
                           return !entered && entered.error().code == ErrorCode::kNotFound &&
                                          entered.error().message.contains("absent")
                                      ? 0
                                      : 1;
                         }),
                         0));
}

TEST_F(LandlockTest, SignalsToProcessesOutsideAreRefused) {
  if (LandlockAbi() < 6) {
    return;  // reported as degraded: MaskedKernelsReportWhatTheyLack
  }
  EXPECT_TRUE(ExitedWith(RunInChild([&] {
                           if (!EnterLandlock(rules_, LandlockAbi())) {
                             return 100;
                           }
                           return ::kill(::getppid(), 0) == 0 ? 0 : errno;
                         }),
                         EPERM));
}

// What Linux 6.1 (ABI 2) to 6.11 (ABI 5) would say, by masking this kernel's.
TEST_F(LandlockTest, MaskedKernelsReportWhatTheyLack) {
  const auto lacks = [&](int abi, const char* what) {
    return ExitedWith(RunInChild([&] {
                        Result<std::vector<std::string>> degraded = EnterLandlock(rules_, abi);
                        if (!degraded || Open("/etc/passwd", O_RDONLY) != EACCES) {
                          return 100;  // files are restricted with every ABI
                        }
                        return std::ranges::any_of(
                                   *degraded,
                                   [&](const std::string& one) { return one.contains(what); })
                                   ? 1
                                   : 0;
                      }),
                      1);
  };
  EXPECT_TRUE(lacks(2, "truncating"));
  EXPECT_TRUE(lacks(3, "TCP is not restricted by landlock (ABI 3, needs 4)"));
  EXPECT_FALSE(lacks(4, "TCP"));
  EXPECT_TRUE(lacks(5, "signals"));
}

TEST_F(LandlockTest, AKernelWithoutLandlockIsRefused) {
  Result<std::vector<std::string>> entered = EnterLandlock(rules_, 0);
  ASSERT_FALSE(entered.has_value());
  EXPECT_EQ(entered.error().code, ErrorCode::kUnavailable);
}

TEST_F(LandlockTest, ConnectingOverTcpIsRefused) {
  const auto connect = [] {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(1);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0 ? 0 : errno;
  };
  EXPECT_TRUE(
      ExitedWith(RunInChild([&] { return EnterLandlock(rules_, LandlockAbi()) ? connect() : 100; }),
                 LandlockAbi() >= 4 ? EACCES : ECONNREFUSED));
  // The masked kernel lets it through to a closed port.
  EXPECT_TRUE(ExitedWith(RunInChild([&] { return EnterLandlock(rules_, 3) ? connect() : 100; }),
                         ECONNREFUSED));
}

TEST_F(LandlockTest, ConnectingIsLeftToTheListedPorts) {
  rules_.may_use_network = true;
  rules_.connect_ports = {1};
  const auto connect_to = [](std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0 ? 0 : errno;
  };
  const auto inside = [&](std::uint16_t port) {
    return RunInChild(
        [&] { return EnterLandlock(rules_, LandlockAbi()) ? connect_to(port) : 100; });
  };
  EXPECT_TRUE(ExitedWith(inside(1), ECONNREFUSED));  // nobody listens there, but it may be tried
  EXPECT_TRUE(ExitedWith(inside(2), LandlockAbi() >= 4 ? EACCES : ECONNREFUSED));
}

TEST_F(LandlockTest, LimitsAreSet) {
  rules_.max_files = 64;
  rules_.max_cpu_seconds = 7;
  EXPECT_TRUE(ExitedWith(Inside([] {
                           rlimit files{};
                           rlimit cpu{};
                           ::getrlimit(RLIMIT_NOFILE, &files);
                           ::getrlimit(RLIMIT_CPU, &cpu);
                           return files.rlim_max == 64 && cpu.rlim_max == 7 ? 0 : 1;
                         }),
                         0));
}

}  // namespace
}  // namespace casemate::sandbox
