#include "attestation/nvidia/service.h"

#include <gtest/gtest.h>

#include "attestation/jwk.h"
#include "attestation/nvidia/test_service.h"
#include "attestation/nvidia/token.h"

namespace casemate::attestation::nvidia {
namespace {

Appraisal Judge(const std::string& answer, const Context& context) {
  return AppraiseFile("n", AsBytes(answer), context).at(0);
}

Outcome OutcomeWith(const TestService& service, const char* step) {
  return OutcomeOf(Judge(service.Answer(), service.Trusting()), step);
}

TEST(NrasTest, ASignedAnswerIsVerifiedAndNvidiasServiceVouches) {
  const TestService service;
  Context context = service.Trusting();
  context.nonce = Bytes(32, std::byte{0xAA});
  const Appraisal appraisal = Judge(service.Answer(), context);
  EXPECT_EQ(appraisal.verdict(), Verdict::kVerified) << appraisal.VerdictReason();
  EXPECT_EQ(appraisal.kind, Kind::kNvidiaClaims);
  EXPECT_EQ(appraisal.product, "GH100");
  for (const char* step :
       {"format", "signature", "issuer", "validity", "nonce", "submodules", "claims"}) {
    EXPECT_EQ(OutcomeOf(appraisal, step), Outcome::kPassed) << step;
  }
  ASSERT_EQ(appraisal.vouchers.size(), 2U);
  EXPECT_EQ(appraisal.vouchers[1].holder, "NVIDIA Remote Attestation Service");
  EXPECT_TRUE(appraisal.warnings.at(0).starts_with("NVIDIA's service vouches here, not only"));
  EXPECT_TRUE(std::ranges::any_of(appraisal.facts, [](const NamedValue& fact) {
    return fact.name == "GPU-0.x-nvidia-gpu-driver-version" && fact.value == "595.71.05";
  }));
  EXPECT_EQ(CoverageOf(appraisal, "gpu-borrowing"), Coverage::kCannotTell);
}

TEST(NrasTest, TheFormOfNvtrustsSdkIsUnwrapped) {
  const TestService service;
  const std::string wrapped =
      R"([["JWT","e30.e30.e30"],{"REMOTE_GPU_CLAIMS":)" + service.Answer() + "}]";
  EXPECT_EQ(Judge(wrapped, service.Trusting()).verdict(), Verdict::kVerified);
}

TEST(NrasTest, WithoutAKeySetItIsIncompleteAndSaysWhatToGive) {
  const TestService service;
  Context context;
  context.time = service.Trusting().time;
  const Appraisal appraisal = Judge(service.Answer(), context);
  EXPECT_EQ(appraisal.verdict(), Verdict::kIncomplete);
  EXPECT_TRUE(appraisal.VerdictReason().contains("jwks.json, with the key \"nv-eat-kid-test-1\""));
}

TEST(NrasTest, TheOverallTokenAloneIsIncomplete) {
  const TestService service;
  const Appraisal appraisal = Judge(service.OverallToken("x"), service.Trusting());
  EXPECT_EQ(appraisal.verdict(), Verdict::kIncomplete) << appraisal.VerdictReason();
  EXPECT_EQ(OutcomeOf(appraisal, "submodules"), Outcome::kNotChecked);
  const Appraisal device = Judge(service.DeviceToken(), service.Trusting());
  EXPECT_EQ(device.verdict(), Verdict::kRefused) << "a device's token is not the overall one";
}

TEST(NrasTest, OtherAlgorithmsAreRefusedAboveAllNone) {
  for (const char* algorithm : {"none", "None", "HS256", "ES256", "ES384 ", "RS256"}) {
    TestService service;
    service.header = R"({"kid":"nv-eat-kid-test-1","alg":")" + std::string(algorithm) + "\"}";
    EXPECT_EQ(OutcomeWith(service, "signature"), Outcome::kFailed) << algorithm;
  }
  TestService service;
  service.header = R"({"kid":"nv-eat-kid-test-1","alg":"ES384","crit":["exp"]})";
  EXPECT_EQ(OutcomeWith(service, "format"), Outcome::kFailed);
  service.header = R"({"kid":"nv-eat-kid-test-1"})";
  EXPECT_EQ(OutcomeWith(service, "format"), Outcome::kFailed);
}

TEST(NrasTest, AnUnsignedTokenIsRefused) {
  TestService service;
  service.header = R"({"kid":"nv-eat-kid-test-1","alg":"none"})";
  std::string token = service.OverallToken("x");
  token.resize(token.rfind('.') + 1);
  EXPECT_EQ(Judge(token, service.Trusting()).verdict(), Verdict::kRefused);
}

TEST(NrasTest, AnotherKeyIdAndAnotherKeyAreRefused) {
  TestService service;
  const Context context = service.Trusting();
  service.header = R"({"kid":"nv-eat-kid-test-2","alg":"ES384"})";
  const Appraisal unknown = Judge(service.Answer(), context);
  EXPECT_EQ(OutcomeOf(unknown, "signature"), Outcome::kFailed);
  EXPECT_TRUE(unknown.VerdictReason().contains("is not among those given"));
  service.header = R"({"alg":"ES384"})";
  EXPECT_EQ(OutcomeOf(Judge(service.Answer(), context), "signature"), Outcome::kFailed);
  const TestService other;  // the same key id, another key
  EXPECT_EQ(OutcomeOf(Judge(other.Answer(), context), "signature"), Outcome::kFailed);
}

TEST(NrasTest, DatesAreJudgedAtTheTimeGiven) {
  const TestService service;
  Context context = service.Trusting();
  for (const std::int64_t time : {std::int64_t{1789565718}, std::int64_t{1789569320}}) {
    context.time = time;
    EXPECT_EQ(OutcomeOf(Judge(service.Answer(), context), "validity"), Outcome::kFailed) << time;
  }
  for (const char* name : {"\"exp\":1789569319,", "\"nbf\":1789565719,"}) {
    TestService without;
    without.overall = Replaced(without.overall, name, "");
    EXPECT_EQ(OutcomeWith(without, "validity"), Outcome::kFailed) << name;
  }
  TestService device;
  device.device = Replaced(device.device, "\"exp\":1789569319", "\"exp\":1789565800");
  EXPECT_EQ(OutcomeWith(device, "validity"), Outcome::kFailed);
}

TEST(NrasTest, AnotherNonceAndTwoNoncesAreRefused) {
  TestService service;
  Context context = service.Trusting();
  context.nonce = Bytes(32);
  EXPECT_EQ(OutcomeOf(Judge(service.Answer(), context), "nonce"), Outcome::kFailed);
  service.device = Replaced(service.device, "@NONCE@", "bb@NONCE@");
  EXPECT_EQ(OutcomeWith(service, "nonce"), Outcome::kFailed);
}

TEST(NrasTest, AnotherIssuerAndAnotherSubjectAreRefused) {
  TestService service;
  service.overall = Replaced(service.overall, "nras.attestation.nvidia.com", "nras.example");
  EXPECT_EQ(OutcomeWith(service, "issuer"), Outcome::kFailed);
  service = TestService();
  service.device = Replaced(service.device, "nras.attestation.nvidia.com", "nras.example");
  EXPECT_EQ(OutcomeWith(service, "issuer"), Outcome::kFailed);
  service = TestService();
  service.overall = Replaced(service.overall, "NVIDIA-PLATFORM-ATTESTATION", "OTHER");
  EXPECT_EQ(OutcomeWith(service, "issuer"), Outcome::kFailed);
}

TEST(NrasTest, DevicesThatTheOverallTokenDoesNotNameByDigestAreRefused) {
  const TestService service;
  const std::string token = service.DeviceToken();
  const auto with = [&](const std::string& overall_of, const std::string& devices) {
    const std::string answer =
        R"([["JWT",")" + service.OverallToken(overall_of) + R"("],{)" + devices + "}]";
    return OutcomeOf(Judge(answer, service.Trusting()), "submodules");
  };
  const std::string gpu = R"("GPU-0":")" + token + "\"";
  EXPECT_EQ(with(token, gpu), Outcome::kPassed);
  EXPECT_EQ(with("another token", gpu), Outcome::kFailed);
  EXPECT_EQ(with(token, R"("GPU-1":")" + token + "\""), Outcome::kFailed);
  EXPECT_EQ(with(token, ""), Outcome::kFailed) << "one is missing";
  EXPECT_EQ(with(token, gpu + R"(,"GPU-1":")" + token + "\""), Outcome::kFailed) << "one too many";
  TestService weak;
  weak.overall = Replaced(weak.overall, "SHA-256", "SHA-1");
  EXPECT_EQ(OutcomeWith(weak, "submodules"), Outcome::kFailed);
}

TEST(NrasTest, AnAnswerThatSaysNoIsRefusedAlthoughItIsSigned) {
  TestService service;
  service.overall = Replaced(service.overall, "att-result\":true", "att-result\":false");
  EXPECT_EQ(OutcomeWith(service, "claims"), Outcome::kFailed);
  service.overall = Replaced(service.overall, "att-result\":false", "att-result\":\"true\"");
  EXPECT_EQ(OutcomeWith(service, "claims"), Outcome::kFailed);
  for (const auto& [from, to] : {std::pair{"\"success\"", "\"fail\""},
                                 {"\"secboot\":true", "\"secboot\":false"},
                                 {"\"disabled\"", "\"enabled\""},
                                 {"\"measres\":\"success\",", ""},
                                 {"arch-check\":true", "arch-check\":false"}}) {
    TestService device;
    device.device = Replaced(device.device, from, to);
    EXPECT_EQ(OutcomeWith(device, "claims"), Outcome::kFailed) << from;
  }
}

TEST(TokenTest, WhatIsNoTokenIsRefused) {
  for (const char* text : {"", ".", "..", "...", "e30.e30", "e30.e30.",
                           "eyJhbGciOiJFUzM4NCJ9.e30.e3=", "eyJhbGciOiJFUzM4NCJ9.e+0.e30",
                           "e30.e30.e30", "W10.e30.e30", "eyJhbGciOiJFUzM4NCJ9"}) {
    EXPECT_FALSE(ParseToken(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseToken(std::string(kMaxTokenBytes + 1, 'e')).has_value());
  Result<SignedToken> token = ParseToken("eyJhbGciOiJFUzM4NCJ9.e30.e30");
  ASSERT_TRUE(token.has_value()) << token.error().message;
  EXPECT_EQ(token->algorithm, "ES384");
}

TEST(JwkTest, KeysOfCertificatesAreReadAndContradictionsLeftOut) {
  const TestService service;
  const Bytes der = crypto::IssueTestCertificate(
      {.common_name = "k", .not_before = Day(2026, 1, 1), .not_after = Day(2027, 1, 1)},
      service.key, "k", service.key);
  const std::string certificate = R"("x5c":[")" + ToBase64(der) + "\"]";
  const auto read = [](const std::string& set) {
    std::vector<std::string> warnings;
    const std::vector<JsonWebKey> keys = ReadKeys(
        {.name = "f", .content = Bytes(AsBytes(set).begin(), AsBytes(set).end())}, warnings);
    EXPECT_EQ(keys.empty(), !warnings.empty());
    return keys;
  };
  const Bytes point = service.key.point();
  const auto only = read(R"({"keys":[{"kty":"EC","crv":"P-384","kid":"a",)" + certificate + "}]}");
  ASSERT_EQ(only.size(), 1U);
  EXPECT_TRUE(std::ranges::equal(only[0].key.point, ByteView(point).subspan(1)));
  EXPECT_EQ(read(Replaced(service.KeySet(), "\"use\"", certificate + ",\"use\"")).size(), 1U);
  EXPECT_TRUE(read(Replaced(TestService().KeySet(), "\"use\"", certificate + ",\"use\"")).empty());
  for (const char* bad : {"{", "[1]", "{}", R"({"keys":[{"kty":"RSA"}]})",
                          R"({"kty":"EC","crv":"P-384","x":"AA","y":"AA"})",
                          R"({"kty":"EC","crv":"secp256k1","x5c":["AA"]})"}) {
    EXPECT_TRUE(read(bad).empty()) << bad;
  }
}

}  // namespace
}  // namespace casemate::attestation::nvidia
