#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assess/evidence/test_exports.h"

// Expected values: the vendors' references that tests/data/assess/README.md names.
namespace casemate::assess {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

std::vector<std::string> FactsOf(const Export& content) {
  std::vector<std::string> facts;
  for (const ExportFact& fact : content.facts) {
    std::string values = fact.not_you ? "not you" : "";
    for (const std::string& value : fact.values) {
      values += (values.empty() ? "" : " or ") + value;
    }
    facts.push_back(fact.element + "." + fact.field + " = " + values + " @ " + fact.path);
  }
  return facts;
}

std::vector<std::string> FactsOfSample(const std::string& name) {
  Result<Export> content = ReadSample(name);
  EXPECT_TRUE(content) << content.error().message;
  return content ? FactsOf(*content) : std::vector<std::string>();
}

std::vector<std::string> NotesOfSample(const std::string& name) {
  Result<Export> content = ReadSample(name);
  EXPECT_TRUE(content) << content.error().message;
  std::vector<std::string> notes;
  for (const ExportNote& note : content ? content->notes : std::vector<ExportNote>()) {
    notes.push_back(note.path + ": " + note.text);
  }
  return notes;
}

std::string Refusal(std::string_view text) {
  Result<Export> content = ReadExport(text, "x.json", "2026-11-21");
  return content ? "(no error)" : content.error().message;
}

TEST(ExportTest, AnAzureAccountTellsWhetherContentIsLoggedWhoseKeyItIsAndWhereItIsReached) {
  EXPECT_THAT(
      FactsOfSample("azure-account.json"),
      UnorderedElementsAre("azure-engine.review = automated @ properties.capabilities[3].value",
                           "azure-review.holds = metadata @ properties.capabilities[3].value",
                           "azure-review.retention_days = 0 @ properties.capabilities[3].value",
                           "azure-key.release = automatic @ properties.encryption.keySource",
                           "azure-request.crosses = own-network @ properties.publicNetworkAccess"));
}

TEST(ExportTest, AnAzureAccountWithoutContentLoggingIsReviewedByPeople) {
  EXPECT_THAT(FactsOfSample("azure-account-default.json"),
              UnorderedElementsAre("azure-engine.review = human @ properties.capabilities",
                                   "azure-key.holder = not you @ properties.encryption.keySource"));
  EXPECT_THAT(NotesOfSample("azure-account-default.json"),
              Contains(HasSubstr("reachable from the internet")));
}

TEST(ExportTest, AKeyOfAzureSaysWhatItIsKeptIn) {
  EXPECT_THAT(
      FactsOfSample("azure-key.json"),
      ElementsAre("azure-key.kept_in = hsm @ key.kty", "azure-key.holder = not you @ key.kid",
                  "azure-key.release = automatic or justified or ticketed or never @ "
                  "attributes.exportable"));
  EXPECT_THAT(NotesOfSample("azure-vault.json"), Contains(HasSubstr("enablePurgeProtection: off")));
}

TEST(ExportTest, AGoogleCacheThatIsNotDisabledLeavesTwoPossibilities) {
  EXPECT_THAT(FactsOfSample("google-cache-off.json"),
              ElementsAre("vertex-engine.prefix_cache = off @ disableCache"));
  EXPECT_THAT(FactsOfSample("google-cache-on.json"),
              ElementsAre("vertex-engine.prefix_cache = per-tenant or shared @ disableCache"));
  EXPECT_THAT(FactsOfSample("google-logging.json"),
              ElementsAre("vertex-engine.content_logs = encrypted @ loggingConfig.enabled"));
}

TEST(ExportTest, AGoogleKeySaysWhereItIsAndWhichReasonsItIsReleasedFor) {
  EXPECT_THAT(FactsOfSample("google-ekm.json"),
              ElementsAre("vertex-key.beside_data = no @ serviceResolvers[0]"));
  EXPECT_THAT(FactsOfSample("google-key-kaj.json"),
              ElementsAre("vertex-key.beside_data = no @ primary.protectionLevel",
                          "vertex-key.release = justified @ "
                          "keyAccessJustificationsPolicy.allowedAccessReasons"));
  EXPECT_THAT(NotesOfSample("google-key-kaj.json"),
              ElementsAre(HasSubstr("[2]: THIRD_PARTY_DATA_REQUEST is allowed")));
  EXPECT_THAT(FactsOfSample("google-key-software.json"),
              ElementsAre("vertex-key.kept_in = kms @ primary.protectionLevel",
                          "vertex-key.holder = not you @ primary.protectionLevel",
                          "vertex-key.release = automatic @ keyAccessJustificationsPolicy"));
}

TEST(ExportTest, AnEmptyListOfReasonsUnderAKeyDeniesAll) {
  Result<Export> content = ReadExport(
      R"({"name": "p/cryptoKeys/k", "primary": {"protectionLevel": "HSM"},
          "keyAccessJustificationsPolicy": {"allowedAccessReasons": []}})",
      "k.json", "2026-11-21");
  ASSERT_TRUE(content) << content.error().message;
  EXPECT_THAT(FactsOf(*content), Contains(HasSubstr("vertex-key.release = never")));
}

TEST(ExportTest, AwsSaysWhatIsLoggedRetainedAndWhoUsesTheKey) {
  EXPECT_THAT(FactsOfSample("aws-invocation-logging.json"),
              ElementsAre("bedrock-engine.content_logs = encrypted @ "
                          "loggingConfig.textDataDeliveryEnabled"));
  EXPECT_THAT(FactsOfSample("aws-data-retention.json"),
              ElementsAre("bedrock-retained.holds = metadata @ mode",
                          "bedrock-retained.retention_days = 0 @ mode"));
  EXPECT_THAT(FactsOfSample("aws-key-xks.json"),
              ElementsAre("bedrock-key.beside_data = no @ KeyMetadata.Origin"));
  EXPECT_THAT(FactsOfSample("aws-key-kms.json"),
              ElementsAre("bedrock-key.kept_in = kms @ KeyMetadata.Origin",
                          "bedrock-key.holder = not you @ KeyMetadata.Origin"));
  EXPECT_THAT(NotesOfSample("aws-key-stores.json"), Contains(HasSubstr("DISCONNECTED")));
}

TEST(ExportTest, ARetentionModeThatDependsOnTheModelSettlesNothing) {
  Result<Export> content =
      ReadExport(R"({"mode": "inherit", "updatedAt": "2026-07-01"})", "r.json", "2026-11-21");
  ASSERT_TRUE(content) << content.error().message;
  EXPECT_THAT(content->facts, IsEmpty());
  EXPECT_THAT(content->notes[0].text, HasSubstr("depends on the model"));
}

TEST(ExportTest, OpenAiSaysWhatAbuseMonitoringKeeps) {
  EXPECT_THAT(FactsOfSample("openai-retention.json"),
              ElementsAre("openai-abuse-logs.holds = metadata @ type"));
  Result<Export> own = ReadSample("openai-data-controls.json");
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->confidence, Confidence::kClaimed);  // typed from the console by somebody
  EXPECT_EQ(own->date, "2026-11-20");
  EXPECT_THAT(FactsOf(*own), ElementsAre("openai-engine.training = yes @ share_inputs_and_outputs",
                                         "openai-abuse-logs.holds = content, logs @ retention",
                                         "openai-abuse-logs.retention_days = 30 @ retention"));
}

TEST(ExportTest, AVerifiedAppraisalAttestsAndAnyOtherSaysNothing) {
  Result<Export> content = ReadSample("appraisal.json");
  ASSERT_TRUE(content) << content.error().message;
  EXPECT_EQ(content->confidence, Confidence::kAttested);
  EXPECT_EQ(content->date, "2026-11-20");
  EXPECT_THAT(FactsOf(*content), ElementsAre(".type = sev-snp @ appraisals[0].kind",
                                             ".debug = off @ appraisals[0].policy[0]",
                                             "battering-ram.coverage = not-covered @ "
                                             "appraisals[0].attacks[0].coverage"));

  // SEV-SNP's bit is called by the group it is in.
  std::string grouped = SampleText("appraisal.json");
  grouped.replace(grouped.find("\"name\": \"debug\""), 15, "\"name\": \"policy.debug\"");
  EXPECT_EQ(FactsOf(*ReadExport(grouped, "a.json", "2026-11-21"))[1],
            ".debug = off @ appraisals[0].policy[0]");

  // Of a machine that can make up its reports, "covered" is no answer.
  std::string lost = SampleText("appraisal.json");
  lost.replace(lost.find("not-covered"), 11, "covered");
  EXPECT_EQ(ReadExport(lost, "a.json", "2026-11-21")->facts.back().values[0], "covered");
  const std::string empty = R"("void_because": "")";
  lost.replace(lost.find(empty), empty.size(), R"("void_because": "can be forged")");
  const Export forged = *ReadExport(lost, "a.json", "2026-11-21");
  EXPECT_EQ(forged.facts.back().values[0], "cannot-tell");
  EXPECT_EQ(forged.facts.back().why, "can be forged");

  std::string refused = SampleText("appraisal.json");
  const std::string verified = R"("verdict": "verified")";
  refused.replace(refused.find(verified), verified.size(), R"("verdict": "refused")");
  Result<Export> other = ReadExport(refused, "r.json", "2026-11-21");
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_THAT(other->facts, IsEmpty());

  const std::string word = "\"refused\"";
  refused.replace(refused.find(word), word.size(), "\"fine\"");
  EXPECT_THAT(Refusal(refused), HasSubstr("expected verified, incomplete or refused"));
}

TEST(ExportTest, AProbeAndACaptureMeasureTheKeyExchange) {
  EXPECT_THAT(FactsOfSample("flows-probe.json"),
              ElementsAre(".key_exchange = classical @ endpoints[0].verdict",
                          ".transport = tls @ endpoints[0].protocol"));
  EXPECT_THAT(FactsOfSample("flows-capture.json"),
              ElementsAre(".key_exchange = hybrid @ hops[0].worst"));
}

TEST(ExportTest, WhoHasAStandingRightToUseAKeyOfAzureNeedsNobodysConsent) {
  EXPECT_THAT(FactsOfSample("azure-roles.json"),
              ElementsAre("azure-key.release = automatic @ [0].roleDefinitionName"));
  const std::vector<std::string> notes = NotesOfSample("azure-roles.json");
  EXPECT_THAT(notes, Contains(HasSubstr("example-account (ServicePrincipal) is Key Vault Crypto "
                                        "Service Encryption User: uses the keys")));
  EXPECT_THAT(notes, Contains(HasSubstr("admins (Group) is User Access Administrator: decides")));
  EXPECT_THAT(notes, Not(Contains(HasSubstr("auditor"))));
  EXPECT_THAT(FactsOfSample("azure-vault.json"),
              Contains("azure-key.release = automatic @ "
                       "properties.accessPolicies[0].permissions.keys[2]"));
}

TEST(ExportTest, RolesOfAnotherTenantAreNotYoursAndConditionsSettleNothing) {
  std::string text = SampleText("azure-roles.json");
  const auto swap = [&](const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
  };
  swap("\"condition\": null", "\"condition\": \"@Request[x] StringEquals 'y'\"");
  swap("\"Group\"", "\"ForeignGroup\"");
  const Export roles = *ReadExport(text, "r.json", "2026-11-21");
  ASSERT_EQ(roles.facts.size(), 1U);
  EXPECT_EQ(roles.facts[0].field, "governed_by");
  EXPECT_TRUE(roles.facts[0].not_you);
  EXPECT_THAT(Refusal("[]"), HasSubstr("nothing that is known"));
  EXPECT_THAT(Refusal("[{\"roleDefinitionName\": 1, \"principalId\": \"x\"}]"),
              HasSubstr("roleDefinitionName"));
}

TEST(ExportTest, AKeyIsReleasedByItsPolicyOrNotAtAll) {
  EXPECT_THAT(
      FactsOfSample("azure-key.json"),
      Contains(HasSubstr("azure-key.release = automatic or justified or ticketed or never")));
  // {"version":"1.0.0","anyOf":[{"authority":"https://a.example.invalid","allOf":[]}]}
  const std::string policy =
      R"("releasePolicy": {"encodedPolicy": "eyJ2ZXJzaW9uIjoiMS4wLjAiLCJhbnlPZiI6W3siYXV0aG9yaXR5IjoiaHR0cHM6Ly9hLmV4YW1wbGUuaW52YWxpZCIsImFsbE9mIjpbXX1dfQ", "immutable": false},)";
  std::string text = SampleText("azure-key.json");
  text.replace(text.find("\"exportable\": false"), 19, "\"exportable\": true");
  text.replace(text.find("\"managed\""), 0, policy);
  const Export key = *ReadExport(text, "k.json", "2026-11-21");
  EXPECT_THAT(key.facts.back().values, ElementsAre("attested", "automatic"));
  EXPECT_THAT(key.notes.back().text, HasSubstr("https://a.example.invalid"));
  text.replace(text.find("eyJ2"), 4, "!!!!");
  EXPECT_THAT(ReadExport(text, "k.json", "2026-11-21")->notes.back().text,
              HasSubstr("could not be read"));
}

TEST(ExportTest, ARunningServersHopsAreMeasuredAndTheLeastCounts) {
  EXPECT_THAT(FactsOfSample("casemate-hops.json"),
              ElementsAre("casemate-request.key_exchange = classical @ hops[1].verdict",
                          "casemate-request.transport = tls @ hops[1].verdict"));
  EXPECT_EQ(ReadSample("casemate-hops.json")->date, "2026-11-22");
  // Without the classical one, and with peers that may still come with it.
  std::string text = SampleText("casemate-hops.json");
  const auto swap = [&](const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
  };
  swap("\"verdict\": \"classical\"", "\"verdict\": \"pure\"");
  EXPECT_THAT(ReadExport(text, "h.json", "2026-11-21")->facts[0].values,
              ElementsAre("post-quantum", "classical"));
  swap("[\"10.1.0.0/16\"]", "[]");
  EXPECT_THAT(ReadExport(text, "h.json", "2026-11-21")->facts[0].values,
              ElementsAre("post-quantum"));
  swap("\"verdict\": \"pure\"", "\"verdict\": \"fine\"");
  EXPECT_THAT(Refusal(text), HasSubstr("expected hybrid, pure, classical or local"));
}

TEST(ExportTest, EveryKindHasASample) {
  std::vector<std::string> kinds;
  for (const char* name :
       {"azure-account", "azure-key", "azure-vault", "google-cache-off", "google-logging",
        "google-ekm", "google-key-kaj", "aws-invocation-logging", "aws-data-retention",
        "aws-key-xks", "aws-key-stores", "openai-retention", "openai-data-controls", "appraisal",
        "flows-probe", "flows-capture", "azure-roles", "casemate-hops"}) {
    Result<Export> content = ReadSample(std::string(name) + ".json");
    ASSERT_TRUE(content) << content.error().message;
    kinds.push_back(content->kind);
  }
  for (const ExportKindInfo& info : ExportKinds()) {
    EXPECT_THAT(kinds, Contains(info.kind));
  }
}

TEST(ExportTest, WhatIsNotKnownIsRefusedWithTheWaysToExport) {
  EXPECT_THAT(Refusal(R"({"hello": 1})"), HasSubstr("x.json: JSON, but nothing that is known"));
  EXPECT_THAT(Refusal(R"({"hello": 1})"), HasSubstr("az cognitiveservices account show"));
  EXPECT_THAT(Refusal("[]"), HasSubstr("nothing that is known"));
  EXPECT_THAT(Refusal("{}"), HasSubstr("nothing that is known"));
  EXPECT_THAT(Refusal(R"({"report": "casemate-flows-plan", "mode": "none"})"),
              HasSubstr("nothing that is known"));
}

TEST(ExportTest, AMemberOfAnotherTypeIsRefusedWithItsPath) {
  EXPECT_THAT(Refusal(R"({"type": "Microsoft.CognitiveServices/accounts",
                          "properties": {"capabilities": "all"}})"),
              HasSubstr("x.json: properties.capabilities: expected a list"));
  EXPECT_THAT(Refusal(R"({"type": "Microsoft.CognitiveServices/accounts", "properties":
                          {"capabilities": [{"name": "ContentLogging", "value": false}]}})"),
              HasSubstr("properties.capabilities[0].value: expected a string"));
  EXPECT_THAT(Refusal(R"({"disableCache": "yes"})"), HasSubstr("disableCache: expected"));
  EXPECT_THAT(Refusal(R"({"type": "Microsoft.KeyVault/vaults"})"), HasSubstr("properties"));
  EXPECT_THAT(Refusal(R"({"mode": "sometimes"})"), HasSubstr("mode: expected none"));
  EXPECT_THAT(Refusal(R"({"KeyMetadata": {"Origin": "EXTERNAL_KEY_STORE"}})"),
              HasSubstr("without XksKeyConfiguration"));
  EXPECT_THAT(Refusal(R"({"object": "organization.data_retention", "type": "none"})"),
              HasSubstr("type: expected zero_data_retention"));
}

TEST(ExportTest, ATruncatedFileIsRefusedWithItsPlaceAtEveryLength) {
  const std::string text = SampleText("azure-account.json");
  ASSERT_GT(text.size(), 500u);
  const std::size_t end = text.find_last_of('}');
  for (std::size_t size = 0; size < end; size += 7) {
    EXPECT_THAT(Refusal(text.substr(0, size)), HasSubstr("x.json: ")) << size;
    EXPECT_THAT(Refusal(text.substr(0, size)), Not(HasSubstr("nothing that is known"))) << size;
  }
}

}  // namespace
}  // namespace casemate::assess
