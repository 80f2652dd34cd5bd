#include "net/request_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casemate::net {
namespace {

TEST(RequestTargetTest, SplitsAndDecodes) {
  struct Case {
    const char* target;
    const char* path;
    const char* query;
  };
  for (const Case& c :
       {Case{"/", "/", ""}, Case{"/v1/files?limit=2&a=%20", "/v1/files", "limit=2&a=%20"},
        Case{"/a%20b%C3%A4", "/a b\xc3\xa4", ""}, Case{"/a?", "/a", ""},
        Case{"http://host:1/v1?x", "/v1", "x"}, Case{"*", "*", ""},
        Case{"/.../..a", "/.../..a", ""}, Case{"//x", "//x", ""}}) {
    Result<RequestTarget> target = ParseTarget(c.target);
    ASSERT_TRUE(target.has_value()) << c.target;
    EXPECT_EQ(target->path, c.path);
    EXPECT_EQ(target->query, c.query);
  }
}

TEST(RequestTargetTest, RefusesWhatTwoReadersCouldRouteDifferently) {
  for (const char* text : {"", "v1", "?x", "http://host", "/a%2fb", "/a%2Fb", "/%", "/%4", "/%zz",
                           "/%00", "/%0a", "/%7f", "/a/../b", "/..", "/.", "/a/.", "/%2e%2e/a"}) {
    Result<RequestTarget> target = ParseTarget(text);
    ASSERT_FALSE(target.has_value()) << text;
    EXPECT_EQ(target.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(FilterHeadersTest, KeepsWhatTheKeeperMayKnow) {
  const std::vector<Header> kept = FilterHeaders({{"host", "a"},
                                                  {"content-type", "b"},
                                                  {"accept", "c"},
                                                  {"user-agent", "d"},
                                                  {"cookie", "e"},
                                                  {"openai-beta", "f"},
                                                  {"x-casemate-label", "g"},
                                                  {"x-casemate-tenant", "h"},
                                                  {"x-forwarded-for", "i"}});
  std::string names;
  for (const Header& header : kept) {
    names += header.value;
  }
  EXPECT_EQ(names, "bcdfg");
}

}  // namespace
}  // namespace casemate::net
