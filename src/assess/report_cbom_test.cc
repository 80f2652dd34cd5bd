#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assess/report_compliance.h"
#include "assess/test_pipelines.h"

namespace casemate::assess {
namespace {

using testing::HasSubstr;
using testing::Not;

class CbomTest : public testing::Test {
 protected:
  std::string Render(bool seven = false) {
    const Assessment assessment = Assess(pipeline_, rules_, TestOptions());
    return RenderCbom({.pipelines = {&pipeline_},
                       .assessments = {&assessment},
                       .rules = &rules_,
                       .language = &en_,
                       .accepted = nullptr,
                       .version = "1"},
                      seven);
  }
  void State(const char* element, const char* field, const char* value, const char* source) {
    ASSERT_TRUE(pipeline_.State(
        {.element = element,
         .field = field,
         .value = value,
         .evidence = {
             .source = source, .date = "2026-11-22", .confidence = Confidence::kMeasured}}));
  }

  RuleSet rules_ = *BuiltInRules();
  Language en_ = *Language::BuiltIn("en");
  Pipeline pipeline_ = *ReadExample("at-rest-eu-keys");
};

TEST_F(CbomTest, AHopIsAProtocolThatDependsOnItsKeyExchange) {
  const std::string bill = Render();
  EXPECT_THAT(bill,
              HasSubstr(R"("bom-ref":"hop:at-rest-eu-keys/ask","name":"ask",)"
                        R"("cryptoProperties":{"assetType":"protocol","protocolProperties":)"
                        R"({"type":"tls","cryptoRefArray":["alg:key-exchange:classical"]}})"));
  EXPECT_THAT(bill, HasSubstr(R"({"primitive":"key-agree","nistQuantumSecurityLevel":0})"));
  EXPECT_THAT(
      bill,
      HasSubstr(R"({"ref":"hop:at-rest-eu-keys/ask","dependsOn":["alg:key-exchange:classical"]})"));
  EXPECT_THAT(Render(true), HasSubstr(R"("relatedCryptographicAssets":[{"type":"algorithm",)"
                                      R"("ref":"alg:key-exchange:classical"}])"));
}

TEST_F(CbomTest, AGroupThatTheSourceNamesHasItsLevel) {
  State("ask", "key_exchange", "hybrid", "hop table: X25519MLKEM768");
  const std::string bill = Render(true);
  EXPECT_THAT(bill, HasSubstr(R"("bom-ref":"alg:key-exchange:X25519MLKEM768",)"
                              R"("name":"X25519MLKEM768")"));
  EXPECT_THAT(bill, HasSubstr(R"({"primitive":"combiner","parameterSetIdentifier":"768",)"
                              R"("algorithmFamily":"ML-KEM","nistQuantumSecurityLevel":3})"));
  // One that it does not name has no level: there are several.
  State("ask", "key_exchange", "hybrid", "the vendor's page");
  EXPECT_THAT(Render(), HasSubstr(R"({"primitive":"combiner"})"));
}

TEST_F(CbomTest, AHopInTheClearUsesNothing) {
  State("ask", "transport", "none", "test");
  const std::string bill = Render();
  EXPECT_THAT(bill, HasSubstr(R"({"ref":"hop:at-rest-eu-keys/ask","dependsOn":[]})"));
  EXPECT_THAT(bill, HasSubstr(R"("protocolProperties":{"type":"other"})"));
}

TEST_F(CbomTest, AKeyHasItsCustodianStateAndMechanismAndNoValue) {
  State("documents-key", "kept_in", "hsm", "test");
  const std::string bill = Render();
  EXPECT_THAT(bill, HasSubstr(R"("relatedCryptoMaterialProperties":{"type":"key",)"
                              R"("id":"documents-key","state":"active",)"
                              R"("securedBy":{"mechanism":"HSM"}})"));
  EXPECT_THAT(bill, HasSubstr(R"({"name":"casemate:custodian","value":"ACME GmbH"},)"
                              R"({"name":"casemate:custodian-seat","value":"DE"})"));
  EXPECT_THAT(bill, HasSubstr(R"({"name":"casemate:kept_in:confidence","value":"measured"})"));
  EXPECT_THAT(bill, HasSubstr(R"({"ref":"store:at-rest-eu-keys/documents","dependsOn":)"
                              R"(["alg:at-rest:standard","key:at-rest-eu-keys/documents-key"]})"));
}

TEST_F(CbomTest, WhatIsUnknownIsUnknownAndNotLeftOut) {
  ASSERT_TRUE(pipeline_.State(
      {.element = "documents-key", .field = "kept_in", .value = "unknown", .evidence = {}}));
  ASSERT_TRUE(pipeline_.State(
      {.element = "ask", .field = "key_exchange", .value = "unknown", .evidence = {}}));
  const std::string bill = Render();
  EXPECT_THAT(bill, HasSubstr(R"({"name":"casemate:kept_in","value":"unknown"})"));
  EXPECT_THAT(bill, Not(HasSubstr("securedBy")));
  EXPECT_THAT(bill, HasSubstr(R"("name":"key exchange, unknown")"));
  EXPECT_THAT(bill, HasSubstr(R"({"primitive":"unknown"})"));
}

}  // namespace
}  // namespace casemate::assess
