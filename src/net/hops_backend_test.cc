#include "net/hops_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/hop_json.h"
#include "net/server_test_support.h"

namespace casemate::net {
namespace {

using ::testing::HasSubstr;

std::string Read(Answer& answer) {
  std::string body;
  while (true) {
    Result<AnswerPart> part = answer.Next();
    if (!part || std::holds_alternative<HttpEnd>(*part)) {
      return body;
    }
    if (const auto* piece = std::get_if<HttpBody>(&*part)) {
      body += piece->bytes.view().Reveal();
    }
  }
}

HttpRequest Get(std::string path) {
  HttpRequest request;
  request.method = "GET";
  request.path = std::move(path);
  return request;
}

TEST(HopsBackendTest, ItsOwnPathIsTheTableAndTheRestIsTheInnerBackends) {
  const auto inner = std::make_shared<testing::FakeBackend>();
  inner->Answers("inner");
  const auto hops = HopTable::Make();
  (void)hops->Open(
      {.hop = "gateway", .peer = "192.0.2.1", .made = true, .group = "X25519MLKEM768"});
  HopsBackend backend(inner, hops);
  EXPECT_THAT(Read(*backend.Open({}, Get(std::string(kHopsPath))).value()),
              HasSubstr(R"("hop":"gateway","peer":"192.0.2.1","direction":"made")"));
  EXPECT_TRUE(inner->seen.empty());
  EXPECT_EQ(Read(*backend.Open({}, Get("/v1/models")).value()), "inner");
  HttpRequest post = Get(std::string(kHopsPath));
  post.method = "POST";
  EXPECT_EQ(Read(*backend.Open({}, post).value()), "inner");
}

TEST(HopsBackendTest, ATableOfManyRowsComesInPieces) {
  const auto hops = HopTable::Make();
  for (int i = 0; i < 1000; ++i) {
    (void)hops->Open(
        {.hop = "gateway", .peer = std::to_string(i), .cipher = std::string(300, 'c')});
  }
  HopsBackend backend(nullptr, hops);
  const std::string page = Read(*backend.Open({}, Get(std::string(kHopsPath))).value());
  EXPECT_GT(page.size(), kMaxBodyPiece);
  EXPECT_TRUE(page.ends_with("}"));
}

}  // namespace
}  // namespace casemate::net
