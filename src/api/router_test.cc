#include "api/api_fixture.h"
#include "api/errors.h"

namespace casemate::api {
namespace {

class RouterTest : public ApiTest {};

TEST_F(RouterTest, UnknownPathsAreNotFound) {
  for (const char* path : {"/", "/v1", "/v1/nothing", "/v1/models/a/b", "/v1/files/", "//v1/models",
                           "/v1/models/", "/v1/vector_stores/x/files/y/z"}) {
    EXPECT_EQ(Refused(Send("GET", path)), "404 not_found null") << path;
  }
}

TEST_F(RouterTest, OtherMethodsAreNamed) {
  const Answer models = Send("DELETE", "/v1/models");
  EXPECT_EQ(Refused(models), "405 method_not_allowed null");
  EXPECT_EQ(models.headers.at("allow"), "GET");
  EXPECT_EQ(Send("PUT", "/v1/files/file-x").headers.at("allow"), "GET, DELETE");
}

TEST_F(RouterTest, ModelsAreListedAndFound) {
  const Answer list = Send("GET", "/v1/models");
  ASSERT_EQ(list.status, 200);
  const json::Document document = list.Json();
  EXPECT_EQ(At(document, "object"), "list");
  EXPECT_EQ(At(document, "data.0.id"), "casemate-answer");
  EXPECT_EQ(At(document, "data.1.object"), "model");
  EXPECT_EQ(At(document, "data.1.created"), "1700000000");
  EXPECT_EQ(At(Send("GET", "/v1/models/casemate-embed").Json(), "owned_by"), "casemate");
  EXPECT_EQ(Refused(Send("GET", "/v1/models/gpt-4")), "404 model_not_found model");
}

TEST_F(RouterTest, EveryRequestSaysWhereItsTicketIsLogged) {
  const Answer first = Send("GET", "/v1/models");
  const Answer second = Send("GET", "/v1/models");
  EXPECT_NE(first.headers.at("x-casemate-log-index"), second.headers.at("x-casemate-log-index"));
  EXPECT_EQ(first.headers.at("x-casemate-request-salt").size(), 64U);
  EXPECT_NE(first.headers.at("x-casemate-request-salt"),
            second.headers.at("x-casemate-request-salt"));
}

TEST_F(RouterTest, WithoutACustodianNothingIsAnswered) {
  releases_.SetUnavailable(true);
  EXPECT_EQ(Refused(Send("GET", "/v1/models")), "503 unavailable null");
  EXPECT_EQ(Refused(Send("GET", "/v1/files")), "503 unavailable null");
}

TEST_F(RouterTest, ARevokedPrincipalIsRefused) {
  releases_.RevokePrincipal();
  EXPECT_EQ(Refused(Send("GET", "/v1/models")), "403 permission_denied null");
}

TEST(ErrorsTest, IdsStayOutOfTheLog) {
  EXPECT_EQ(RouteName("/v1/files/file-mfrggzdfmztwq2lknnwg23tpoa/content"),
            "/v1/files/{id}/content");
  EXPECT_EQ(RouteName("/secret words of somebody"), "/{id}");
  EXPECT_EQ(RouteName(""), "");
}

}  // namespace
}  // namespace casemate::api
