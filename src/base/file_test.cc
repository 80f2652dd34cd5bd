#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace casemate {
namespace {

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    std::string pattern = testing::TempDir() + "casemate-file-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FileTest, WhatWasWrittenIsRead) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "a", AsBytes("one")).has_value());
  ASSERT_TRUE(WriteFileAtomically(folder_ / "a", AsBytes("two")).has_value());
  EXPECT_EQ(AsText(ReadFile(folder_ / "a", 10).value()), "two");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.new"));
}

TEST_F(FileTest, ReadRefusesMoreThanTheLimit) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "a", AsBytes("12345")).has_value());
  EXPECT_TRUE(ReadFile(folder_ / "a", 5).has_value());
  Result<Bytes> refused = ReadFile(folder_ / "a", 4);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
}

TEST_F(FileTest, AbsentFileIsNotFound) {
  EXPECT_EQ(ReadFile(folder_ / "none", 1).error().code, ErrorCode::kNotFound);
}

TEST_F(FileTest, AFullDiskLeavesTheOldContent) {
  if (!std::filesystem::exists("/dev/full")) {
    FAIL() << "no /dev/full on this machine";
  }
  const UniqueFd full(::open("/dev/full", 1));
  EXPECT_EQ(WriteAll(full.get(), AsBytes("x")).error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace casemate
