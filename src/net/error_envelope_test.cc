#include "net/error_envelope.h"

#include <gtest/gtest.h>

namespace casemate::net {
namespace {

TEST(ErrorEnvelopeTest, HasTheShapeOfOpenAi) {
  const Error error{.code = ErrorCode::kNotFound,
                    .message = "no model \"x\"",
                    .param = "model",
                    .detail = "for the log only"};
  EXPECT_EQ(ErrorEnvelope(error, "model_not_found").view().Reveal(),
            R"({"error":{"message":"no model \"x\"","type":"invalid_request_error",)"
            R"("param":"model","code":"model_not_found"}})");
}

TEST(ErrorEnvelopeTest, AnEmptyParamIsNullAndTheCodeItsName) {
  const Error error{.code = ErrorCode::kUnavailable, .message = "m", .param = {}, .detail = {}};
  EXPECT_EQ(ErrorEnvelope(error).view().Reveal(),
            R"({"error":{"message":"m","type":"server_error","param":null,"code":"unavailable"}})");
}

TEST(ErrorEnvelopeTest, EveryCodeHasAStatusWithAText) {
  for (unsigned char code = 1; code <= 12; ++code) {
    const std::uint16_t status = HttpStatus(static_cast<ErrorCode>(code));
    EXPECT_GE(status, 400);
    EXPECT_NE(StatusText(status), "Unknown") << int{code};
    EXPECT_FALSE(ErrorType(static_cast<ErrorCode>(code)).empty());
  }
  EXPECT_EQ(HttpStatus(ErrorCode::kUnauthenticated), 401);
  EXPECT_EQ(HttpStatus(ErrorCode::kRateLimited), 429);
  EXPECT_EQ(HttpStatus(ErrorCode::kDeadlineExceeded), 504);
}

}  // namespace
}  // namespace casemate::net
