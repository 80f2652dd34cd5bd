#include "flows/seen_server.h"

#include <gtest/gtest.h>

#include "flows/capture_report.h"
#include "flows/hop_map.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

Address At(std::uint8_t last, std::uint16_t port) {
  Address address{.port = port};
  address.ip[10] = address.ip[11] = std::byte{0xFF};
  address.ip[12] = std::byte{10};
  address.ip[15] = std::byte{last};
  return address;
}

struct Hello {
  std::vector<std::uint16_t> groups;
  std::vector<std::uint16_t> shares;
  std::vector<std::uint16_t> versions = {kTls13};
};
const Hello post_quantum_only{.groups = {kX25519MlKem768}, .shares = {kX25519MlKem768}};
const Hello guess{.groups = {kX25519MlKem768, kX25519}, .shares = {kX25519}};
const Hello classical_only{.groups = {kX25519, kSecp256r1}, .shares = {kX25519}};
const Hello old{.groups = {kX25519}, .shares = {}, .versions = {kTls12}};

CapturedSession Agreed(const Hello& hello, std::uint16_t group, std::uint16_t version = kTls13) {
  const bool hybrid = IsPostQuantum(GroupKind(group));
  return {.client = At(1, 40000),
          .server = At(2, 443),
          .protocol = "tls",
          .verdict = hybrid ? SessionVerdict::kHybrid : SessionVerdict::kClassical,
          .offer = ClientOffer{.server_name = "llm.example",
                               .versions = hello.versions,
                               .groups = hello.groups,
                               .shares = hello.shares},
          .answer = ServerAnswer{.kind = ServerAnswer::Kind::kServerHello,
                                 .version = version,
                                 .cipher = 0x1301,
                                 .group = group,
                                 .certificates = {}},
          .key_exchange = GroupName(group),
          .client_bytes = 1000,
          .server_bytes = 9000};
}

CapturedSession Refused(const Hello& hello, std::uint8_t alert) {
  CapturedSession session = Agreed(hello, kX25519);
  session.verdict = SessionVerdict::kRefused;
  session.answer =
      ServerAnswer{.kind = ServerAnswer::Kind::kAlert, .alert = alert, .certificates = {}};
  session.key_exchange.clear();
  return session;
}

CapturedSession AskedAgain() {
  CapturedSession session = Agreed(guess, kX25519MlKem768);
  session.retried = true;
  session.retry_group = kX25519MlKem768;
  return session;
}

SeenServer Seen(const std::vector<CapturedSession>& sessions) {
  SeenServer server(At(2, 443), sessions.front().protocol);
  for (const CapturedSession& session : sessions) {
    server.Add(session);
  }
  return server;
}

constexpr std::uint8_t kHandshakeFailure = 40;
constexpr std::uint8_t kUnrecognizedName = 112;

TEST(SeenServerTest, TheHellosOfAProbeGetTheVerdictOfAProbe) {
  EXPECT_EQ(VerdictText(Seen({Agreed(post_quantum_only, kX25519MlKem768),
                              Refused(classical_only, kHandshakeFailure)})),
            "hybrid-enforced");
  EXPECT_EQ(VerdictText(Seen({Agreed(post_quantum_only, kX25519MlKem768), AskedAgain(),
                              Agreed(classical_only, kX25519)})),
            "hybrid-preferred");
  const SeenServer supported = Seen({Agreed(post_quantum_only, kX25519MlKem768),
                                     Agreed(guess, kX25519), Agreed(classical_only, kX25519)});
  EXPECT_EQ(VerdictText(supported), "hybrid-supported");
  EXPECT_TRUE(supported.judgement()->cve_2026_2673);
  EXPECT_EQ(VerdictText(Seen(
                {Refused(post_quantum_only, kHandshakeFailure), Agreed(classical_only, kX25519)})),
            "classical");
  EXPECT_EQ(VerdictText(Seen({Agreed(old, kX25519, kTls12)})), "classical");
}

TEST(SeenServerTest, ARetryThatTheClientLeftStillTellsWhatTheServerWants) {
  CapturedSession left = AskedAgain();
  left.verdict = SessionVerdict::kUnknown;
  left.answer->kind = ServerAnswer::Kind::kRetry;
  EXPECT_EQ(VerdictText(Seen({left, Agreed(classical_only, kX25519)})), "hybrid-preferred");
}

TEST(SeenServerTest, HybridSessionsAloneDoNotProveWhatAClassicalClientGets) {
  const SeenServer server = Seen({Agreed(post_quantum_only, kX25519MlKem768)});
  EXPECT_EQ(VerdictText(server), "hybrid-supported");
  EXPECT_NE(server.judgement()->reason.find("was not seen"), std::string::npos);
  EXPECT_FALSE(server.judgement()->cve_2026_2673);
}

TEST(SeenServerTest, AnAlertAboutANameIsNoRefusalOfTheKeyExchange) {
  EXPECT_EQ(VerdictText(Seen({Agreed(post_quantum_only, kX25519MlKem768),
                              Refused(classical_only, kUnrecognizedName)})),
            "hybrid-supported");
}

TEST(SeenServerTest, OneSessionWithoutEncryptionCountsMoreThanAnyHybrid) {
  CapturedSession plain = Agreed(post_quantum_only, kX25519MlKem768);
  plain.verdict = SessionVerdict::kPlain;
  plain.offer.reset();
  plain.answer.reset();
  const SeenServer server = Seen({Agreed(post_quantum_only, kX25519MlKem768), plain});
  EXPECT_EQ(VerdictText(server), "classical");
  EXPECT_EQ(server.openable_bytes(), 10'000U);
}

TEST(SeenServerTest, WhatWasNotSeenIsUnknownAndInNoBillOfMaterials) {
  CapturedSession resumed = Agreed(guess, 0);
  resumed.verdict = SessionVerdict::kUnknown;
  resumed.answer->resumed = true;
  const SeenServer server = Seen({resumed});
  EXPECT_EQ(VerdictText(server), "unknown");
  EXPECT_FALSE(server.AsProbe().has_value());
}

TEST(TrafficSummaryTest, CountsHopsByClientAndServer) {
  TrafficSummary summary;
  for (int i = 0; i < 3; ++i) {
    CapturedSession session = Agreed(classical_only, kX25519);
    session.client.port = static_cast<std::uint16_t>(40000 + i);
    summary.Add(session);
  }
  CapturedSession other = Agreed(post_quantum_only, kX25519MlKem768);
  other.client = At(9, 1);
  summary.Add(other);
  const std::vector<const SeenHop*> hops = summary.Hops();
  ASSERT_EQ(hops.size(), 2U);
  EXPECT_EQ(hops[0]->client, "10.0.0.1");
  EXPECT_EQ(hops[0]->endpoint().Text(), "10.0.0.2:443");
  EXPECT_EQ(hops[0]->openable_bytes, 30'000U);
  EXPECT_EQ(hops[0]->Worst(), SessionVerdict::kClassical);
  EXPECT_EQ(hops[1]->openable_bytes, 0U);
  EXPECT_EQ(summary.Servers().size(), 1U);
}

TEST(TrafficSummaryTest, ServersBeyondTheLimitAreCountedOnly) {
  TrafficSummary summary;
  for (std::size_t i = 0; i < TrafficSummary::kMaxServers + 5; ++i) {
    CapturedSession session = Agreed(classical_only, kX25519);
    session.server.ip[13] = static_cast<std::byte>(i >> 8);
    session.server.ip[14] = static_cast<std::byte>(i);
    summary.Add(session);
  }
  EXPECT_EQ(summary.Servers().size(), TrafficSummary::kMaxServers);
  EXPECT_EQ(summary.left_out, 5U);
  EXPECT_EQ(summary.sessions.at(SessionVerdict::kClassical), TrafficSummary::kMaxServers + 5);
}

CaptureReport Report() {
  CaptureReport report;
  report.sources = {"link.pcap"};
  report.sessions = {Agreed(classical_only, kX25519), AskedAgain()};
  report.sessions[1].server.port = 8443;
  for (const CapturedSession& session : report.sessions) {
    report.summary.Add(session);
  }
  report.counts.sessions = 2;
  return report;
}

TEST(CaptureReportTest, ABaselineLeavesOnlyServersThatChanged) {
  CaptureReport report = Report();
  const std::string json = RenderJson(report, {});
  auto baseline = ReadBaseline(PlaintextView::Of(json), "servers");
  ASSERT_TRUE(baseline.has_value()) << baseline.error().message;
  baseline->at("10.0.0.2:443").verdict = "hybrid-enforced";
  KeepOnlyChanged(report, *baseline);
  ASSERT_EQ(ListedServers(report).size(), 1U);
  EXPECT_EQ(ListedServers(report)[0]->endpoint().Text(), "10.0.0.2:443");
  EXPECT_NE(
      ReasonOf(report, *ListedServers(report)[0]).find("verdict hybrid-enforced is now classical"),
      std::string::npos);
  EXPECT_EQ(ListedHops(report).size(), 1U);
  EXPECT_EQ(report.sessions.size(), 1U);
}

TEST(CaptureReportTest, EveryFormNamesTheServerAndEscapesWhatAStrangerChose) {
  CaptureReport report = Report();
  report.sessions[0].offer->server_name = "<script>|x\"";
  for (const ReportFormat format :
       {ReportFormat::kJson, ReportFormat::kCsv, ReportFormat::kMarkdown, ReportFormat::kHtml,
        ReportFormat::kSarif, ReportFormat::kCbom16, ReportFormat::kCbom17}) {
    const std::string text = Render(format, report, {.version = "1", .uuid = "u"});
    EXPECT_NE(text.find("10.0.0.2:443"), std::string::npos) << text;
  }
  EXPECT_EQ(RenderHtml(report, {}).find("<script"), std::string::npos);
  EXPECT_NE(RenderMarkdown(report, {}).find("\\<script>\\|x"), std::string::npos);
  EXPECT_NE(RenderCsv(report).find("\"<script>|x\"\"\""), std::string::npos);
}

TEST(CaptureReportTest, WhatIsMissingIsSaid) {
  CaptureReport report = Report();
  EXPECT_TRUE(WhatIsMissing(report).empty());
  report.counts.cut = 3;
  report.counts.malformed = 1;
  report.counts.first_reason = "frame 7 at byte 3";
  report.dropped = 2;
  report.cut_short = "link.pcap: truncated";
  EXPECT_EQ(WhatIsMissing(report).size(), 4U);
}

TEST(HopMapTest, DrawsABoxForEachNameAndAnArrowForEachHop) {
  const std::string svg = DrawHopMap({{"a", "x", "classical", "#111111", false},
                                      {"b", "x", "hybrid", "#222222", true},
                                      {"a", "y <z>", "hybrid", "#222222", true}});
  const auto count = [&](std::string_view what) {
    std::size_t found = 0;
    for (std::size_t at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) {
      ++found;
    }
    return found;
  };
  EXPECT_EQ(count("<rect"), 4U);
  EXPECT_EQ(count("<path"), 6U);
  EXPECT_EQ(count("stroke-dasharray"), 1U);  // what can be opened is a broken line
  EXPECT_EQ(count("y &lt;z&gt;"), 1U);
  // A server with one hop that can be opened has that hop's colour.
  EXPECT_NE(svg.find("style=\"stroke:#111111\""), std::string::npos);
}

TEST(HopMapTest, AnEmptyMapIsAPicture) {
  EXPECT_NE(DrawHopMap({}).find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace casemate::flows
