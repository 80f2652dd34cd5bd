#include "net/response_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casemate::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ResponseHeadTest, WritesExactlyThis) {
  const HttpHead head{
      .status = 404, .headers = {{"content-type", "a/b"}}, .has_length = true, .length = 7};
  EXPECT_EQ(BuildResponseHead({.head = head,
                               .framing = BodyFraming::kLength,
                               .keep_alive = true,
                               .request_id = "req_1"}),
            "HTTP/1.1 404 Not Found\r\ncontent-type: a/b\r\ncontent-length: 7\r\n"
            "connection: keep-alive\r\nx-request-id: req_1\r\ncache-control: no-store\r\n"
            "x-content-type-options: nosniff\r\n\r\n");
}

TEST(ResponseHeadTest, FramingIsTheFrontsAlone) {
  const HttpHead head{.status = 200,
                      .headers = {{"content-length", "1"},
                                  {"transfer-encoding", "gzip"},
                                  {"connection", "upgrade"},
                                  {"cache-control", "public"},
                                  {"set-cookie", "a=b"},
                                  {"access-control-allow-origin", "*"},
                                  {"x-request-id", "mine"}}};
  const std::string text = BuildResponseHead(
      {.head = head, .framing = BodyFraming::kChunked, .keep_alive = false, .request_id = "req_1"});
  EXPECT_EQ(text,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n"
            "x-request-id: req_1\r\ncache-control: no-store\r\n"
            "x-content-type-options: nosniff\r\n\r\n");
}

TEST(ResponseHeadTest, AFieldCannotSplitTheResponse) {
  const HttpHead head{.status = 200,
                      .headers = {{"x-a", "1\r\nx-b: 2"},
                                  {"x-k\r\nx-d", "3"},
                                  {"", "4"},
                                  {"x e", "5"},
                                  {"x-f", std::string("6\0", 2)},
                                  {"x-good", "7"}}};
  const std::string text = BuildResponseHead(
      {.head = head, .framing = BodyFraming::kLength, .keep_alive = true, .request_id = "req_1"});
  for (const char* bad : {"x-a", "x-b", "x-k", "x-d", "x e", "x-f"}) {
    EXPECT_THAT(text, Not(HasSubstr(bad)));
  }
  EXPECT_THAT(text, HasSubstr("\r\nx-good: 7\r\n"));
}

TEST(ResponseHeadTest, NoContentHasNoLength) {
  const HttpHead head{.status = 204};
  EXPECT_THAT(BuildResponseHead({.head = head,
                                 .framing = BodyFraming::kLength,
                                 .keep_alive = true,
                                 .request_id = "req_1"}),
              Not(HasSubstr("content-length")));
}

}  // namespace
}  // namespace casemate::net
