#include "flows/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flows/report.h"

namespace casemate::flows {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// As a front writes it (src/net/hop_json.cc), with a certificate that wants to speak to a terminal.
std::string Page(std::int64_t connections, std::int64_t refusals) {
  return R"({"report":"casemate-hops","format":1,"since":1700000000,"time":1700000060,)"
         R"("minimum":"hybrid","classical_from":["10.1.0.0/16"],"hops":[)"
         R"({"hop":"clients","peer":"192.0.2.1","direction":"accepted","transport":"tls",)"
         R"("group":"X25519MLKEM768","verdict":"hybrid","version":"TLSv1.3",)"
         R"("cipher":"TLS_AES_256_GCM_SHA384","minimum":"hybrid","certificate":{"own":true,)"
         R"("sha256":"00112233445566778899","subject":"CN=\u001b<b>","issuer":"CN=ca",)"
         R"("public_key":"EC prime256v1","signature":"ecdsa-with-SHA256","post_quantum":false,)"
         R"("not_after":1800000000},"connections":)" +
         std::to_string(connections) +
         R"(,"open":1,"bytes_in":1500,"bytes_out":20,"first_seen":1700000001,)"
         R"("last_seen":1700000050},)"
         R"({"hop":"operator","peer":"uid 0","direction":"accepted","transport":"unix-socket",)"
         R"("verdict":"local","connections":1,"open":1,"bytes_in":0,"bytes_out":0,)"
         R"("first_seen":1700000059,"last_seen":1700000059}],"refused":[)"
         R"({"hop":"clients","peer":"192.0.2.9","direction":"accepted","reason":"classical",)"
         R"("detail":"no suitable key share","offered_groups":"x25519","offered_versions":"0x0304",)"
         R"("count":)" +
         std::to_string(refusals) +
         R"(,"first_seen":1700000002,"last_seen":1700000003}],"forgotten":{"hops":0,)"
         R"("connections":0,"bytes_in":0,"bytes_out":0,"refused":0},)"
         R"("channels":[["supervisor","front"],["keeper","room"]]})";
}

LiveHops Read(const std::string& page) { return ReadLiveHops(PlaintextView::Of(page)).value(); }

TEST(LiveTest, APageIsReadWithItsCertificateOnOneLine) {
  const LiveHops live = Read(Page(3, 1));
  ASSERT_EQ(live.hops.size(), 2U);
  EXPECT_EQ(live.hops[0].group, "X25519MLKEM768");
  EXPECT_EQ(live.hops[0].connections, 3);
  EXPECT_EQ(live.hops[0].certificate,
            "ours: CN=?<b>, EC prime256v1, signed ecdsa-with-SHA256 by CN=ca, until 2027-01-15, "
            "SHA-256 0011223344556677");
  EXPECT_EQ(live.hops[1].verdict, "local");
  EXPECT_THAT(live.classical_from, ElementsAre("10.1.0.0/16"));
  ASSERT_EQ(live.refused.size(), 1U);
  EXPECT_EQ(live.refused[0].offered, "x25519");
  EXPECT_EQ(live.channels.size(), 2U);
}

TEST(LiveTest, WhatIsNoHopTableIsRefused) {
  for (const char* page :
       {"", "[]", "{}", R"({"report":"casemate-flows","format":1})",
        R"({"report":"casemate-hops","format":2,"since":0,"time":0,"minimum":"hybrid"})",
        R"({"report":"casemate-hops","format":1,"since":0,"time":0,"minimum":"h","hops":[{}]})"}) {
    EXPECT_FALSE(ReadLiveHops(PlaintextView::Of(page)).has_value()) << page;
  }
}

TEST(LiveTest, ChangesAreNewHopsFurtherConnectionsAndRefusals) {
  const LiveHops before = Read(Page(3, 1));
  EXPECT_TRUE(Changes(before, before).empty());
  EXPECT_THAT(Changes(before, Read(Page(5, 3))),
              ElementsAre("2023-11-14T22:13:23Z  refused  classical  clients 192.0.2.9 offered "
                          "x25519 (2 times)",
                          "2023-11-14T22:14:10Z  again    hybrid  clients 192.0.2.1 X25519MLKEM768 "
                          "TLSv1.3 (2 connections)"));
  EXPECT_EQ(Changes({}, before).size(), 3U);
}

TEST(LiveTest, ThePageEscapesWhatPeersChoseAndDrawsRefusals) {
  const std::string html = RenderLiveHtml(Read(Page(3, 7)));
  EXPECT_THAT(html, HasSubstr("CN=?&lt;b&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("CN=?<b>")));
  EXPECT_THAT(html, HasSubstr("refused 7 x: classical"));
  EXPECT_THAT(html, HasSubstr("classical from 10.1.0.0/16"));
  EXPECT_THAT(html, HasSubstr("keeper–room"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
}

TEST(LiveTest, SizesAreShort) {
  EXPECT_EQ(SizeText(0), "0 B");
  EXPECT_EQ(SizeText(999), "999 B");
  EXPECT_EQ(SizeText(1500), "1.5 kB");
  EXPECT_EQ(SizeText(2'000'000'000), "2.0 GB");
}

}  // namespace
}  // namespace casemate::flows
