#include "flows/verdict.h"

#include <gtest/gtest.h>

#include "flows/report.h"
#include "flows/stream.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

using Kind = ServerAnswer::Kind;

ServerAnswer Hello(std::uint16_t group) {
  return {.kind = Kind::kServerHello, .version = kTls13, .group = group, .certificates = {}};
}
ServerAnswer Retry(std::uint16_t group) {
  return {.kind = Kind::kRetry, .version = kTls13, .group = group, .certificates = {}};
}
ServerAnswer Refusal() { return {.kind = Kind::kAlert, .alert = 40, .certificates = {}}; }

TlsFindings Enforced() {
  return {.pq_only = Hello(kX25519MlKem768),
          .classical_share = Retry(kX25519MlKem768),
          .classical_only = Refusal(),
          .tls12 = Refusal()};
}

TEST(VerdictTest, EnforcedNeedsThatEveryClassicalClientIsRefused) {
  EXPECT_EQ(Judge(Enforced()).verdict, Verdict::kHybridEnforced);
  TlsFindings old = Enforced();
  old.tls12 = ServerAnswer{.kind = Kind::kServerHello, .version = kTls12, .certificates = {}};
  EXPECT_EQ(Judge(old).verdict, Verdict::kHybridPreferred);
}

TEST(VerdictTest, PreferredAsksAgainAndSupportedDoesNot) {
  TlsFindings findings = Enforced();
  findings.classical_only = Hello(kX25519);
  EXPECT_EQ(Judge(findings).verdict, Verdict::kHybridPreferred);
  EXPECT_FALSE(Judge(findings).cve_2026_2673);
  findings.classical_share = Hello(kX25519);
  EXPECT_EQ(Judge(findings).verdict, Verdict::kHybridSupported);
  EXPECT_TRUE(Judge(findings).cve_2026_2673);
}

TEST(VerdictTest, ClassicalIsWhoeverChoosesNoPostQuantumGroup) {
  EXPECT_EQ(Judge({.pq_only = Refusal(),
                   .classical_share = Hello(kX25519),
                   .classical_only = Hello(kX25519)})
                .verdict,
            Verdict::kClassical);
}

TEST(VerdictTest, ASilentEndpointIsUnreachableAndAnotherProtocolIsBroken) {
  const ServerAnswer silent{.kind = Kind::kSilent, .certificates = {}};
  EXPECT_EQ(Judge({.pq_only = silent, .classical_share = silent, .classical_only = silent}).verdict,
            Verdict::kUnreachable);
  const ServerAnswer http{.kind = Kind::kNotTls, .certificates = {}, .reason = "plain HTTP"};
  const Judgement judged =
      Judge({.pq_only = http, .classical_share = http, .classical_only = http});
  EXPECT_EQ(judged.verdict, Verdict::kBroken);
  EXPECT_EQ(judged.reason, "not TLS: plain HTTP");
}

TEST(VerdictTest, AServerThatMissesASplitHelloIsBroken) {
  TlsFindings findings = Enforced();
  findings.split = ServerAnswer{.kind = Kind::kReset, .certificates = {}};
  EXPECT_EQ(Judge(findings).verdict, Verdict::kBroken);
}

TEST(VerdictTest, SshIsJudgedByItsOfferAlone) {
  EXPECT_EQ(Judge(SshOffer{.key_exchange = {"mlkem768x25519-sha256", "ext-info-s"}}).verdict,
            Verdict::kHybridEnforced);
  EXPECT_EQ(Judge(SshOffer{.key_exchange = {"mlkem768x25519-sha256", "curve25519-sha256"}}).verdict,
            Verdict::kHybridPreferred);
  EXPECT_EQ(
      Judge(SshOffer{.key_exchange = {"curve25519-sha256", "sntrup761x25519-sha512"}}).verdict,
      Verdict::kHybridSupported);
  EXPECT_EQ(Judge(SshOffer{.key_exchange = {"ecdh-sha2-nistp256"}}).verdict, Verdict::kClassical);
  EXPECT_EQ(Judge(SshOffer{.key_exchange = {"something-new"}}).verdict, Verdict::kBroken);
}

TEST(VerdictTest, NamesAndOrderAreFixed) {
  for (int i = 0; i <= static_cast<int>(Verdict::kUnreachable); ++i) {
    const auto verdict = static_cast<Verdict>(i);
    EXPECT_EQ(ParseVerdict(VerdictName(verdict)), verdict);
  }
  EXPECT_FALSE(ParseVerdict("hybrid").has_value());
  EXPECT_TRUE(AtLeast(Verdict::kHybridEnforced, Verdict::kHybridPreferred));
  EXPECT_FALSE(AtLeast(Verdict::kClassical, Verdict::kHybridPreferred));
}

TEST(EndpointTest, ReadsWhatPeopleWrite) {
  const auto text = [](std::string_view target, std::string_view starttls = {}) {
    Result<Endpoint> endpoint = ParseEndpoint(target, starttls);
    return endpoint ? endpoint->Text() : "refused: " + endpoint.error().message;
  };
  EXPECT_EQ(text("llm.example"), "llm.example:443");
  EXPECT_EQ(text("https://llm.example/v1"), "llm.example:443");
  EXPECT_EQ(text("127.0.0.1:8443"), "127.0.0.1:8443");
  EXPECT_EQ(text("[::1]:8443"), "[::1]:8443");
  EXPECT_EQ(text("::1"), "[::1]:443");
  EXPECT_EQ(text("ssh://git.example"), "ssh://git.example:22");
  EXPECT_EQ(text("mail.example", "smtp"), "mail.example:25 (smtp)");
  for (const std::string_view wrong :
       {"", "a b", "host:0", "host:70000", "host:x", "[::1", "user@host", "host?x", "höst"}) {
    EXPECT_TRUE(text(wrong).starts_with("refused: ")) << wrong;
  }
  EXPECT_TRUE(text("host", "gopher").starts_with("refused: "));
}

TEST(ReportTest, ABaselineReadsBackWhatTheReportSaid) {
  ProbeResult result{.endpoint = *ParseEndpoint("llm.example:8443"),
                     .judgement = Judge(Enforced()),
                     .tls = Enforced(),
                     .ssh = {},
                     .full = {},
                     .full_error = {}};
  result.tls.groups = {kX25519MlKem768, kSecP256r1MlKem768};
  const std::string json = RenderJson({result}, {.version = "1", .time = 0, .uuid = "u"});
  auto baseline = ReadBaseline(PlaintextView::Of(json), "endpoints");
  ASSERT_TRUE(baseline.has_value()) << baseline.error().message;
  EXPECT_EQ(baseline->at("llm.example:8443"), EntryOf(result));
  EXPECT_FALSE(ReadBaseline(PlaintextView::Of("{}"), "endpoints").has_value());
  EXPECT_FALSE(ReadBaseline(PlaintextView::Of("["), "endpoints").has_value());
}

TEST(ReportTest, AChangeSinceTheBaselineIsNamed) {
  const BaselineEntry before{.verdict = "classical", .groups = "x25519", .certificate = "aa"};
  EXPECT_EQ(ChangeSince(&before, before), "");
  EXPECT_EQ(ChangeSince(nullptr, before), "since the baseline: new");
  EXPECT_EQ(ChangeSince(&before, {.verdict = "unreachable", .groups = "", .certificate = "bb"}),
            "since the baseline: verdict classical is now unreachable; groups x25519 is now none; "
            "another certificate");
}

// Text that a peer chose must not become a part of the page.
TEST(ReportTest, WhatAPeerSaysIsEscapedInEveryForm) {
  ProbeResult result{
      .endpoint = *ParseEndpoint("llm.example"),
      .judgement = {.verdict = Verdict::kBroken, .reason = "<script>\"|x,\"", .findings = {"<b>"}},
      .ssh = {},
      .full = {},
      .full_error = {}};
  EXPECT_EQ(RenderHtml({result}, {}).find("<script"), std::string::npos);
  EXPECT_NE(RenderCsv({result}).find("\"<script>\"\"|x,\"\"\""), std::string::npos);
  EXPECT_NE(RenderMarkdown({result}, {}).find("\\<script>\"\\|x"), std::string::npos);
}

}  // namespace
}  // namespace casemate::flows
