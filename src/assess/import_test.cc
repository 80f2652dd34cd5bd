#include "assess/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assess/test_pipelines.h"

namespace casemate::assess {
namespace {

using testing::HasSubstr;

// Words of threagile_version 1.0.0 as its own stub model has them.
constexpr std::string_view kThreagile = R"(threagile_version: 1.0.0
title: Support "bot"
date: 2026-03-31
technical_assets:
  Browser:
    {id: browser, type: external-entity, owner: Customer, communication_links: {Ask: {target: bot, protocol: https,
     vpn: false, data_assets_sent: [question]}}}
  Bot:
    id: bot
    type: process
    owner: ACME
    multi_tenant: true
    confidentiality: restricted
    data_assets_processed: [question]
    communication_links:
      Search: {target: index, protocol: jdbc, data_assets_received: [passage]}
      Model call: {target: nowhere, protocol: https}
  Index:
    id: index
    type: datastore
    owner: ACME
    encryption: transparent
    data_assets_stored: [passage]
)";

// Names and shapes of threat-model.schema.json v1.0.1.
constexpr std::string_view kThreatModel = R"({
  "version": "1.0",
  "scope": {"title": "Husky"},
  "reviewed_at": "2025-05-28T10:00:00",
  "actors": [{"symbolic_name": "user", "title": "User"}],
  "components": [{"symbolic_name": "api", "title": "API"}],
  "data_stores": [{"symbolic_name": "blob", "title": "Blob", "vendor": "Azure"}],
  "data_sets": [{"symbolic_name": "images", "placements": [{"data_store": "blob", "encrypted": true}]},
                {"symbolic_name": "keys", "placements": [{"data_store": "blob", "encrypted": false}]},
                {"symbolic_name": "logs", "placements": [{"data_store": "gone", "encrypted": true}]}],
  "data_flows": [{"symbolic_name": "ask", "source": {"type": "actor", "object": "user"},
                  "destination": {"type": "#/$defs/component", "object": "api"},
                  "has_sensitive_data": true, "encrypted": false},
                 {"symbolic_name": "load", "source": {"type": "data-store", "object": "blob"},
                  "destination": {"type": "component", "object": "api"},
                  "has_sensitive_data": true, "encrypted": true}]
})";

std::string ValueIn(const Pipeline& pipeline, std::string_view element, std::string_view field) {
  const std::optional<std::size_t> at = pipeline.Find(element);
  return at ? pipeline.ValueText(*at, RequireField(pipeline.element(*at).kind, field)) : "(none)";
}

TEST(ImportTest, AThreagileModelSaysWhatItsWordsSay) {
  Result<std::string> text = ImportModel(kThreagile, "model.yaml");
  ASSERT_TRUE(text) << text.error().message;
  Result<Pipeline> pipeline = Pipeline::Parse(*text, "imported.yaml", Catalogue());
  ASSERT_TRUE(pipeline) << pipeline.error().message << "\n" << *text;
  EXPECT_EQ(pipeline->title(), "Support \"bot\"");
  EXPECT_EQ(pipeline->date(), "2026-03-31");
  EXPECT_EQ(pipeline->element(pipeline->you()).id, "acme");  // owns most
  EXPECT_EQ(ValueIn(*pipeline, "bot", "tenancy"), "shared");
  EXPECT_EQ(ValueIn(*pipeline, "bot", "label"), "restricted");
  EXPECT_EQ(ValueIn(*pipeline, "index", "decrypted_by"), "storage-plane");
  EXPECT_EQ(ValueIn(*pipeline, "customer-ask", "from"), "customer");
  EXPECT_EQ(ValueIn(*pipeline, "customer-ask", "transport"), "tls");
  EXPECT_EQ(ValueIn(*pipeline, "bot-search", "transport"), "none");
  EXPECT_THAT(*text, HasSubstr("# Left out: link \"Model call\""));
  // What its vocabulary does not have is unknown and stays so.
  EXPECT_EQ(ValueIn(*pipeline, "bot", "tee"), "unknown");
  EXPECT_EQ(ValueIn(*pipeline, "acme", "parent"), "unknown");
  const RuleSet rules = *BuiltInRules();
  const Assessment assessment = Assess(*pipeline, rules, TestOptions());
  EXPECT_EQ(assessment.Find("storage-breach")->verdict, Verdict::kDoesNotStop);
  EXPECT_EQ(assessment.Find("cloud-act")->verdict, Verdict::kUnknown);
  EXPECT_EQ(assessment.Find("storage-breach")->confidence, Confidence::kClaimed);
}

TEST(ImportTest, AnOwaspThreatModelSaysWhatItsWordsSay) {
  Result<std::string> text = ImportModel(kThreatModel, "tm.json");
  ASSERT_TRUE(text) << text.error().message;
  Result<Pipeline> pipeline = Pipeline::Parse(*text, "imported.yaml", Catalogue());
  ASSERT_TRUE(pipeline) << pipeline.error().message << "\n" << *text;
  EXPECT_EQ(pipeline->date(), "2025-05-28");
  EXPECT_EQ(ValueIn(*pipeline, "blob", "encryption"), "none");   // one of its sets is not sealed
  EXPECT_EQ(ValueIn(*pipeline, "blob", "operator"), "unknown");  // a product's vendor runs nothing
  EXPECT_EQ(ValueIn(*pipeline, "ask", "transport"), "none");
  EXPECT_EQ(ValueIn(*pipeline, "load", "transport"), "unknown");  // "encrypted" is no protocol
  EXPECT_THAT(*text, HasSubstr("# Left out: a data set in store \"gone\""));
}

// Found by the fuzz target: a store whose title was misspelt.
TEST(ImportTest, WhatHasNoTitleGetsNone) {
  Result<std::string> text = ImportModel(
      R"({"components": [{"symbolic_name": "a"}], "actors": [{}], "data_stores": [{"symbolic_name": "b"}]})",
      "tm.json");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_TRUE(Pipeline::Parse(*text, "imported.yaml", Catalogue())) << *text;
}

TEST(ImportTest, WhatIsNeitherIsRefused) {
  EXPECT_THAT(ImportModel("a: 1", "x.yaml").error().message,
              HasSubstr("x.yaml:1:1: expected a Threagile"));
  EXPECT_THAT(ImportModel("technical_assets: {}", "x.yaml").error().message,
              HasSubstr("nothing to assess"));
  EXPECT_THAT(ImportModel("components: []", "x.yaml").error().message,
              HasSubstr("nothing to assess"));
  EXPECT_FALSE(ImportModel("[", "x.yaml"));
}

}  // namespace
}  // namespace casemate::assess
