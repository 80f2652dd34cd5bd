#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ipc/channel.h"
#include "ipc/codec.h"
#include "ipc/supervision.h"

// For tests: starts one of the executables beside the test's build as the supervisor does.
namespace casemate {

class ChildUnderTest {
 public:
  explicit ChildUnderTest(const std::string& name) {
    const std::string path =
        std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "bin" / name;
    auto ends = ipc::Channel::MakePair();
    EXPECT_TRUE(ends.has_value());
    const int theirs = ends->second.get();
    pid_ = ::fork();
    if (pid_ == 0) {
      if (theirs == ipc::kSupervisorFd) {
        (void)::fcntl(theirs, F_SETFD, 0);
      } else {
        (void)::dup2(theirs, ipc::kSupervisorFd);
      }
      ::execl(path.c_str(), name.c_str(), nullptr);
      ::_exit(127);
    }
    socket_ = std::move(ends->first);
  }
  ChildUnderTest(const ChildUnderTest&) = delete;
  ChildUnderTest& operator=(const ChildUnderTest&) = delete;
  ~ChildUnderTest() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  // Sends the setup and waits for the first answer: Ready, a failure, or the end of the channel.
  template <typename Setup>
  Result<ipc::Frame> Start(ipc::ProcessKind kind, const Setup& setup, std::vector<UniqueFd> fds) {
    channel_.emplace(std::move(socket_), ipc::ProcessKind::kSupervisor, kind);
    Result<void> sent = channel_->Send(ipc::Frame{.type = Setup::kType,
                                                  .request = 0,
                                                  .payload = ipc::Encode(setup),
                                                  .fds = std::move(fds)},
                                       10'000);
    if (!sent) {
      return std::unexpected(sent.error());
    }
    return channel_->Receive(60'000);
  }

  Result<void> Stop() {
    return channel_->Send(ipc::Frame{.type = ipc::Stop::kType, .payload = {}, .fds = {}}, 10'000);
  }
  // waitpid's status; waits for the end.
  int Wait() {
    int status = -1;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  UniqueFd socket_;
  std::optional<ipc::Channel> channel_;
};

}  // namespace casemate
