#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace casemate {
namespace {

TEST(ErrorTest, ErrnoPicksWhatTheCallerCanDo) {
  errno = ENOSPC;
  EXPECT_EQ(FailErrno("write").error().code, ErrorCode::kResourceExhausted);
  errno = ENOENT;
  EXPECT_EQ(FailErrno("open").error().code, ErrorCode::kNotFound);
  errno = EIO;
  EXPECT_EQ(FailErrno("read").error().code, ErrorCode::kUnavailable);
}

TEST(ErrorTest, WrapKeepsCodeAndParam) {
  Error error{.code = ErrorCode::kTooLarge, .message = "inner", .param = "file", .detail = "d"};
  const Error wrapped = Wrap(error, "outer").error();
  EXPECT_EQ(wrapped.code, ErrorCode::kTooLarge);
  EXPECT_EQ(wrapped.message, "outer: inner");
  EXPECT_EQ(wrapped.param, "file");
}

TEST(ErrorTest, EveryCodeHasAName) {
  for (int code = 1; code <= 12; ++code) {
    EXPECT_NE(ErrorCodeName(static_cast<ErrorCode>(code)), "unknown") << code;
  }
  EXPECT_EQ(ErrorCodeName(static_cast<ErrorCode>(13)), "unknown");
}

}  // namespace
}  // namespace casemate
