#include "net/http_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace casemate::net {
namespace {

// Feeds `text` in pieces of `step` bytes until the message is done; returns what was left over.
Result<std::string> FeedAll(HttpParser& parser, std::string text, std::size_t step) {
  std::string pending;
  while (!parser.done()) {
    Result<std::size_t> taken = parser.Feed(PlaintextView::Of(std::string_view(pending)));
    if (!taken) {
      return std::unexpected(taken.error());
    }
    pending.erase(0, *taken);
    if (*taken == 0 || pending.empty()) {
      if (text.empty()) {
        break;
      }
      pending += text.substr(0, step);
      text.erase(0, step);
    }
  }
  return pending + text;
}

HttpParser RequestParser(const HttpLimits& limits = {}) {
  return HttpParser(HttpParser::Kind::kRequest, limits);
}

TEST(HttpParserTest, ReadsARequestInPiecesOfAnySize) {
  const std::string text =
      "POST /v1/files?x=1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
      "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n";
  for (std::size_t step : {1u, 2u, 7u, 1000u}) {
    HttpParser parser = RequestParser();
    Result<std::string> rest = FeedAll(parser, text, step);
    ASSERT_TRUE(rest.has_value()) << rest.error().message;
    ASSERT_TRUE(parser.done());
    EXPECT_EQ(parser.head().method, "POST");
    EXPECT_EQ(parser.head().target, "/v1/files?x=1");
    ASSERT_NE(parser.head().Find("content-type"), nullptr);
    EXPECT_EQ(*parser.head().Find("content-type"), "text/plain");
    EXPECT_EQ(parser.TakeBody().view().Reveal(), "hello");
    EXPECT_TRUE(parser.keep_alive());
    EXPECT_EQ(*rest, "GET / HTTP/1.1\r\n");  // the next request is left alone
  }
}

TEST(HttpParserTest, ReadsAChunkedBody) {
  // The example of RFC 9112, section 7.1, with an extension and a trailer.
  const std::string text =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nWiki\r\n6;x=y\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nTrailer: 1\r\n\r\n";
  for (std::size_t step : {1u, 3u, 1000u}) {
    HttpParser parser = RequestParser();
    ASSERT_TRUE(FeedAll(parser, text, step).has_value());
    ASSERT_TRUE(parser.done());
    EXPECT_EQ(parser.TakeBody().view().Reveal(), "Wikipedia in \r\n\r\nchunks.");
    EXPECT_EQ(parser.head().Find("trailer"), nullptr);
  }
}

TEST(HttpParserTest, KeepsAuthorizationApartFromTheFields) {
  HttpParser parser = RequestParser();
  ASSERT_TRUE(
      FeedAll(parser, "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer cm-x\r\n\r\n", 1000)
          .has_value());
  EXPECT_EQ(parser.head().authorization.view().Reveal(), "Bearer cm-x");
  EXPECT_EQ(parser.head().authorizations, 1u);
  EXPECT_EQ(parser.head().Find("authorization"), nullptr);
}

TEST(HttpParserTest, StopsAfterTheHeadSoThatTheCallerCanLook) {
  HttpParser parser = RequestParser();
  const std::string_view head = "PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\n";
  Result<std::size_t> taken = parser.Feed(PlaintextView::Of(std::string(head) + "abc"));
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(*taken, head.size());
  EXPECT_TRUE(parser.head_done());
  EXPECT_FALSE(parser.done());
}

TEST(HttpParserTest, RefusesWhatTwoReadersCouldFrameDifferently) {
  for (const char* text : {
           "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
           "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc",
           "POST / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\nabc",
           "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc",
           "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
           "GET / HTTP/1.1\nHost: a\n\n",
           "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
           "GET / HTTP/2.0\r\n\r\n",
           "GET  / HTTP/1.1\r\n\r\n",
           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
           "GET /\r\n\r\n",
       }) {
    HttpParser parser = RequestParser();
    Result<std::string> rest = FeedAll(parser, text, 1000);
    ASSERT_FALSE(rest.has_value()) << text;
    EXPECT_EQ(rest.error().code, ErrorCode::kInvalidArgument) << text;
  }
}

TEST(HttpParserTest, RefusesAHeaderOverItsLimit) {
  HttpParser parser = RequestParser({.max_header_bytes = 100, .max_body_bytes = 100});
  Result<std::string> rest =
      FeedAll(parser, "GET / HTTP/1.1\r\nX: " + std::string(200, 'x') + "\r\n\r\n", 1000);
  ASSERT_FALSE(rest.has_value());
  EXPECT_EQ(rest.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(rest.error().param, "header");
}

TEST(HttpParserTest, NamesBothNumbersOfABodyOverItsLimitBeforeReadingIt) {
  HttpParser parser = RequestParser({.max_header_bytes = 1000, .max_body_bytes = 100});
  Result<std::string> rest =
      FeedAll(parser, "POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", 1000);
  ASSERT_FALSE(rest.has_value());
  EXPECT_EQ(rest.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(rest.error().param, "body");
  EXPECT_EQ(rest.error().message, "the body has 101 bytes, at most 100 are accepted");
}

TEST(HttpParserTest, RefusesAChunkedBodyOverTheLimit) {
  HttpParser parser = RequestParser({.max_header_bytes = 1000, .max_body_bytes = 100});
  Result<std::string> rest = FeedAll(
      parser, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc", 1000);
  ASSERT_FALSE(rest.has_value());
  EXPECT_EQ(rest.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(rest.error().param, "body");
}

TEST(HttpParserTest, AResponseWithoutLengthEndsWithTheConnection) {
  HttpParser parser(HttpParser::Kind::kResponse, {});
  ASSERT_TRUE(FeedAll(parser, "HTTP/1.1 200 OK\r\n\r\nabc", 1000).has_value());
  EXPECT_FALSE(parser.done());
  ASSERT_TRUE(parser.End().has_value());
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.head().status, 200);
  EXPECT_EQ(parser.TakeBody().view().Reveal(), "abc");
}

TEST(HttpParserTest, ACutOffMessageIsAnError) {
  for (const char* text : {"HTTP/1.1 200 O", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"}) {
    HttpParser parser(HttpParser::Kind::kResponse, {});
    ASSERT_TRUE(FeedAll(parser, text, 1000).has_value());
    EXPECT_FALSE(parser.End().has_value());
  }
}

}  // namespace
}  // namespace casemate::net
