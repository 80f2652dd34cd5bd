#include "net/route_template.h"

#include <gtest/gtest.h>

namespace casemate::net {
namespace {

TEST(RouteTemplateTest, IdsBecomeOneWord) {
  EXPECT_EQ(RouteTemplate("/v1/files/file-abc/content"), "/v1/files/{id}/content");
  EXPECT_EQ(RouteTemplate("/v1/vector_stores/vs_1/files/file-2"),
            "/v1/vector_stores/{id}/files/{id}");
  EXPECT_EQ(RouteTemplate("/v1/chat/completions"), "/v1/chat/completions");
  EXPECT_EQ(RouteTemplate("/health"), "/health");
}

TEST(RouteTemplateTest, WhatIsNotServedHasNoNameOfItsOwn) {
  for (const char* path : {"", "/", "//", "/v1", "/v1/files/", "/v1/files//content", "/v1/secret",
                           "/v1/files/a/b/c/d", "v1/models", "/V1/models", "/v1/chat"}) {
    EXPECT_EQ(RouteTemplate(path), kOtherRoute) << path;
  }
}

}  // namespace
}  // namespace casemate::net
