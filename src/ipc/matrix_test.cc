#include "ipc/matrix.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace casemate::ipc {
namespace {

constexpr ProcessKind kLast = ProcessKind::kLoader;

bool HasRow(ProcessKind from, ProcessKind to) {
  for (const ChannelRule& rule : ChannelMatrix()) {
    if (rule.from == from && rule.to == to) {
      return true;
    }
  }
  return false;
}

TEST(MatrixTest, EveryRowHasItsWayBackAndNoneStandsTwice) {
  std::set<std::pair<ProcessKind, ProcessKind>> seen;
  for (const ChannelRule& rule : ChannelMatrix()) {
    EXPECT_TRUE(HasRow(rule.to, rule.from)) << ProcessKindName(rule.from);
    EXPECT_TRUE(seen.emplace(rule.from, rule.to).second);
  }
}

TEST(MatrixTest, RoomsParsersAndLoadersSpeakToKeeperAndSupervisorOnly) {
  for (ProcessKind small : {ProcessKind::kRoom, ProcessKind::kParse, ProcessKind::kLoader}) {
    for (int other = 1; other <= static_cast<int>(kLast); ++other) {
      const auto kind = static_cast<ProcessKind>(other);
      const bool allowed = kind == ProcessKind::kSupervisor ||
                           (kind == ProcessKind::kKeeper && small != ProcessKind::kLoader);
      EXPECT_EQ(HasRow(small, kind), allowed)
          << ProcessKindName(small) << " to " << ProcessKindName(kind);
    }
  }
}

TEST(MatrixTest, NoRowHoldsAnotherTenantsProcess) {
  EXPECT_FALSE(HasRow(ProcessKind::kKeeper, ProcessKind::kKeeper));
  EXPECT_FALSE(HasRow(ProcessKind::kRoom, ProcessKind::kRoom));
}

TEST(MatrixTest, TheFrontTellsTheCustodianThatItHasTheTableAndNothingElse) {
  for (int number = 4; number < 256; ++number) {
    const auto type = static_cast<MessageType>(number);
    EXPECT_EQ(MaySend(ProcessKind::kFront, ProcessKind::kCustodian, type),
              type == MessageType::kAdmissionReply);
  }
}

TEST(MatrixTest, KeysGoFromTheCustodianToKeepersOnly) {
  for (const ChannelRule& rule : ChannelMatrix()) {
    for (MessageType type : rule.types) {
      if (type == MessageType::kOpenReply || type == MessageType::kCreateObjectsReply) {
        EXPECT_EQ(rule.from, ProcessKind::kCustodian);
        EXPECT_EQ(rule.to, ProcessKind::kKeeper);
      }
    }
  }
}

TEST(MatrixTest, FlowControlIsOnEveryRowAndOnNoOtherPair) {
  for (MessageType type : {MessageType::kCancel, MessageType::kCredit, MessageType::kError}) {
    for (const ChannelRule& rule : ChannelMatrix()) {
      EXPECT_TRUE(MaySend(rule.from, rule.to, type));
    }
    EXPECT_FALSE(MaySend(ProcessKind::kRoom, ProcessKind::kCustodian, type));
    EXPECT_FALSE(MaySend(ProcessKind::kOperator, ProcessKind::kSupervisor, type));
  }
}

TEST(MatrixTest, EveryTypeThatHasANameIsInARow) {
  for (int number = 4; number < 1024; ++number) {
    const auto type = static_cast<MessageType>(number);
    bool used = false;
    for (const ChannelRule& rule : ChannelMatrix()) {
      used = used || MaySend(rule.from, rule.to, type);
    }
    EXPECT_EQ(used, MessageTypeName(type) != "unknown") << number;
  }
}

std::string Printed() {
  std::string text =
      "# The channel matrix\n\n"
      "Printed from `src/ipc/matrix.cc`, which both ends of every channel enforce; a test compares "
      "the two.\nPairs that are not here have no channel. `cancel`, `credit` and `error` may pass "
      "on "
      "every row.\n\n"
      "| from | to | messages |\n|---|---|---|\n";
  for (const ChannelRule& rule : ChannelMatrix()) {
    text += "| " + std::string(ProcessKindName(rule.from)) + " | " +
            std::string(ProcessKindName(rule.to)) + " | ";
    for (std::size_t i = 0; i < rule.types.size(); ++i) {
      text += (i == 0 ? "`" : ", `") + std::string(MessageTypeName(rule.types[i])) + "`";
    }
    text += rule.types.empty() ? "(none: it only listens) |\n" : " |\n";
  }
  return text;
}

TEST(MatrixTest, TheDocumentIsThisTable) {
  std::ifstream file(std::string(CASEMATE_SOURCE_DIR) + "/docs/channel_matrix.md");
  std::stringstream written;
  written << file.rdbuf();
  EXPECT_EQ(written.str(), Printed());
}

}  // namespace
}  // namespace casemate::ipc
