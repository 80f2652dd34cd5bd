#include "app/service_notifier.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

namespace casemate::app {
namespace {

// A service manager's side.
class ServiceNotifierTest : public ::testing::Test {
 protected:
  ServiceNotifierTest() {
    std::string pattern = testing::TempDir() + "casemate-notify-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    manager_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(manager_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
  }
  ~ServiceNotifierTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
      ::unsetenv(name);
    }
    std::filesystem::remove_all(folder_);
  }
  std::string Told() const {
    std::array<char, 256> text{};
    const ssize_t size = ::recv(manager_.get(), text.data(), text.size(), 0);
    return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
  }

  std::string folder_;
  std::string path_;
  UniqueFd manager_;
};

TEST_F(ServiceNotifierTest, AStateIsOneDatagram) {
  ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  const ServiceNotifier notifier = ServiceNotifier::FromEnvironment();
  notifier.Tell("READY=1\nSTATUS=serving");
  EXPECT_EQ(Told(), "READY=1\nSTATUS=serving");
}

TEST_F(ServiceNotifierTest, NoChildCanSpeakForTheServer) {
  ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "20000000", 1);
  (void)ServiceNotifier::FromEnvironment();
  EXPECT_EQ(::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(::getenv("WATCHDOG_USEC"), nullptr);
}

TEST_F(ServiceNotifierTest, TheWatchdogHearsFromUsTwiceInItsTime) {
  ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "20000000", 1);
  EXPECT_EQ(ServiceNotifier::FromEnvironment().alive_every(), std::chrono::seconds(10));
}

TEST_F(ServiceNotifierTest, AWatchdogForAnotherProcessIsNotOurs) {
  ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "20000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceNotifier::FromEnvironment().alive_every(), std::chrono::seconds(0));
}

TEST_F(ServiceNotifierTest, WithoutAManagerNothingHappens) {
  const ServiceNotifier none = ServiceNotifier::FromEnvironment();
  none.Tell("READY=1");
  ::setenv("NOTIFY_SOCKET", (folder_ + "/nobody").c_str(), 1);
  ServiceNotifier::FromEnvironment().Tell("READY=1");
  ::setenv("NOTIFY_SOCKET", "relative", 1);
  ServiceNotifier::FromEnvironment().Tell("READY=1");
  EXPECT_EQ(Told(), "");
}

}  // namespace
}  // namespace casemate::app
