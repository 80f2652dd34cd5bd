#include "sandbox/privileges.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "sandbox/child_process.h"

namespace casemate::sandbox {
namespace {

// A line of /proc/self/status: "CapEff:" -> "0000000000000000".
std::string Status(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == name) {
      status >> word;
      return word;
    }
  }
  return {};
}

TEST(PrivilegesTest, NoCapabilityIsLeftAndNoneComesBack) {
  EXPECT_TRUE(ExitedWith(RunInChild([] {
                           if (!DropPrivileges()) {
                             return 1;
                           }
                           const std::string none(16, '0');
                           return Status("CapEff:") == none && Status("CapPrm:") == none &&
                                          Status("NoNewPrivs:") == "1"
                                      ? 0
                                      : 2;
                         }),
                         0));
}

TEST(PrivilegesTest, RawSocketsCannotBeOpenedAfterwards) {
  EXPECT_TRUE(ExitedWith(RunInChild([] {
                           if (!DropPrivileges()) {
                             return 1;
                           }
                           return ::socket(AF_PACKET, SOCK_RAW, 0) < 0 ? 0 : 2;
                         }),
                         0));
}

TEST(PrivilegesTest, WhatWasOpenedBeforeStaysOpen) {
  EXPECT_TRUE(ExitedWith(RunInChild([] {
                           int pair[2] = {-1, -1};
                           if (::pipe(pair) != 0 || !DropPrivileges()) {
                             return 1;
                           }
                           return ::write(pair[1], "x", 1) == 1 ? 0 : 2;
                         }),
                         0));
}

}  // namespace
}  // namespace casemate::sandbox
