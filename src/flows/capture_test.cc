#include "flows/capture.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "flows/client_hello.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

using Sessions = std::vector<CapturedSession>;

Bytes Hex(std::string_view text) { return FromHex(text).value(); }

void PutU8(Bytes& out, unsigned value) { out.push_back(static_cast<std::byte>(value)); }

struct Segment {
  bool from_client = true;
  std::uint32_t sequence = 0;
  unsigned flags = 0x10;  // ACK
  Bytes payload = {};
};
constexpr unsigned kSyn = 0x02;
constexpr unsigned kSynAck = 0x12;
constexpr unsigned kFinAck = 0x11;

Bytes Tcp(const Segment& segment) {
  Bytes out;
  PutU16(out, segment.from_client ? 40000 : 443);
  PutU16(out, segment.from_client ? 443 : 40000);
  PutU32(out, segment.sequence);
  PutU32(out, 0);
  PutU8(out, 5U << 4);
  PutU8(out, segment.flags);
  Put(out, Bytes(6));
  Put(out, segment.payload);
  return out;
}

Bytes Ipv4(const Bytes& body, bool from_client, std::uint16_t flags_and_offset = 0,
           std::uint16_t id = 1) {
  Bytes out;
  PutU8(out, 0x45);
  PutU8(out, 0);
  PutU16(out, static_cast<std::uint16_t>(20 + body.size()));
  PutU16(out, id);
  PutU16(out, flags_and_offset);
  PutU8(out, 64);
  PutU8(out, 6);
  PutU16(out, 0);
  Put(out, Hex(from_client ? "0a000001" : "0a000002"));
  Put(out, Hex(from_client ? "0a000002" : "0a000001"));
  Put(out, body);
  return out;
}

Bytes Ipv6(const Bytes& body, bool from_client) {
  Bytes out;
  PutU32(out, 0x60000000);
  PutU16(out, static_cast<std::uint16_t>(body.size() + 8));
  PutU8(out, 60);  // destination options first
  PutU8(out, 64);
  Put(out,
      Hex(from_client ? "20010db8000000000000000000000001" : "20010db8000000000000000000000002"));
  Put(out,
      Hex(from_client ? "20010db8000000000000000000000002" : "20010db8000000000000000000000001"));
  Put(out, Hex("0600010400000000"));
  Put(out, body);
  return out;
}

Bytes Ethernet(const Bytes& packet, std::string_view type = "0800") {
  Bytes out(12);
  Put(out, Hex(type));
  Put(out, packet);
  return out;
}

Bytes OfServer(std::uint16_t group, bool retry = false) {
  Bytes body = Hex("0303");
  Put(body, retry ? Hex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
                  : Bytes(32, std::byte{7}));
  Put(body, Hex("001301"
                "00"));
  Bytes extensions =
      Hex("002b00020304"
          "0033");
  PutU16(extensions, retry ? 2 : 6);
  PutU16(extensions, group);
  if (!retry) {
    Put(extensions, Hex("0002abcd"));
  }
  PutU16(body, static_cast<std::uint16_t>(extensions.size()));
  Put(body, extensions);
  Bytes record = Hex("160303");
  PutU16(record, static_cast<std::uint16_t>(body.size() + 4));
  Put(record, Hex("0200"));
  PutU16(record, static_cast<std::uint16_t>(body.size()));
  Put(record, body);
  return record;
}

Bytes OfClient() {
  return BuildClientHello({.server_name = "llm.example",
                           .versions = {kTls13},
                           .groups = {kX25519MlKem768, kX25519},
                           .shares = {kX25519MlKem768}});
}

Sessions Read(const std::vector<Bytes>& frames, LinkType link = LinkType::kEthernet,
              CaptureCounts* counts = nullptr) {
  Sessions sessions;
  Capture capture(link, [&](CapturedSession session) { sessions.push_back(std::move(session)); });
  std::int64_t time = 1000;
  for (const Bytes& frame : frames) {
    capture.Frame(frame, static_cast<std::uint32_t>(frame.size()), time++);
  }
  capture.End();
  if (counts != nullptr) {
    *counts = capture.counts();
  }
  return sessions;
}

std::vector<Segment> Conversation(std::uint16_t group) {
  const Bytes hello = OfClient();
  const auto middle = hello.begin() + 700;
  std::vector<Segment> all = {{true, 99, kSyn},
                              {false, 499, kSynAck},
                              {true, 100, 0x10, Bytes(hello.begin(), middle)},
                              {true, 800, 0x10, Bytes(middle, hello.end())},
                              {false, 500, 0x10, OfServer(group)},
                              {true, 5000, kFinAck},
                              {false, 5000, kFinAck}};
  return all;
}

std::vector<Bytes> Frames(const std::vector<Segment>& segments) {
  std::vector<Bytes> frames;
  frames.reserve(segments.size());
  for (const Segment& segment : segments) {
    frames.push_back(Ethernet(Ipv4(Tcp(segment), segment.from_client)));
  }
  return frames;
}

TEST(CaptureTest, TellsHybridFromClassicalAndWhoSpokeToWhom) {
  for (const auto& [group, verdict] : {std::pair{kX25519MlKem768, SessionVerdict::kHybrid},
                                       std::pair{kX25519, SessionVerdict::kClassical}}) {
    const Sessions sessions = Read(Frames(Conversation(group)));
    ASSERT_EQ(sessions.size(), 1U);
    EXPECT_EQ(sessions[0].verdict, verdict) << sessions[0].why;
    EXPECT_EQ(sessions[0].client.Text(), "10.0.0.1:40000");
    EXPECT_EQ(sessions[0].server.Text(), "10.0.0.2:443");
    EXPECT_EQ(sessions[0].offer->server_name, "llm.example");
    EXPECT_EQ(sessions[0].offer->shares, std::vector{kX25519MlKem768});
    EXPECT_EQ(sessions[0].OpenableBytes(), verdict == SessionVerdict::kClassical
                                               ? OfClient().size() + OfServer(group).size()
                                               : 0U);
  }
}

TEST(CaptureTest, ARetryIsFollowedToWhatWasChosen) {
  std::vector<Segment> segments = Conversation(kX25519);
  const Bytes retry = OfServer(kX25519MlKem768, true);
  segments[4].payload = retry;
  const Bytes change = Hex("140303000101");
  Bytes rest = change;
  Put(rest, OfServer(kX25519MlKem768));
  segments.insert(segments.begin() + 5,
                  {false, 500 + static_cast<std::uint32_t>(retry.size()), 0x10, rest});
  const Sessions sessions = Read(Frames(segments));
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_TRUE(sessions[0].retried);
  EXPECT_EQ(sessions[0].verdict, SessionVerdict::kHybrid) << sessions[0].why;
}

TEST(CaptureTest, OrderOverlapAndRepetitionDoNotMatter) {
  std::vector<Segment> segments = Conversation(kX25519MlKem768);
  std::swap(segments[2], segments[3]);
  const Sessions swapped = Read(Frames(segments));
  ASSERT_EQ(swapped.size(), 1U);
  EXPECT_EQ(swapped[0].verdict, SessionVerdict::kHybrid) << swapped[0].why;

  segments = Conversation(kX25519MlKem768);
  // Overlaps what came before, and lies about it: the first bytes count.
  Segment again = segments[3];
  again.sequence -= 100;
  again.payload.insert(again.payload.begin(), 100, std::byte{0xEE});
  segments.insert(segments.begin() + 3, again);
  segments.insert(segments.begin() + 3, segments[2]);
  const Sessions overlapped = Read(Frames(segments));
  ASSERT_EQ(overlapped.size(), 1U);
  EXPECT_EQ(overlapped[0].verdict, SessionVerdict::kHybrid) << overlapped[0].why;
}

TEST(CaptureTest, ReadsVlanIpv6AndLinuxCookedFrames) {
  std::vector<Bytes> vlan;
  std::vector<Bytes> six;
  std::vector<Bytes> cooked;
  for (const Segment& segment : Conversation(kX25519MlKem768)) {
    const Bytes four = Ipv4(Tcp(segment), segment.from_client);
    vlan.push_back(Ethernet(four,
                            "8100000a"
                            "0800"));
    six.push_back(Ethernet(Ipv6(Tcp(segment), segment.from_client), "86dd"));
    Bytes frame(14);
    Put(frame, Hex("0800"));
    Put(frame, four);
    cooked.push_back(frame);
  }
  EXPECT_EQ(Read(vlan).at(0).verdict, SessionVerdict::kHybrid);
  const Sessions sessions = Read(six);
  EXPECT_EQ(sessions.at(0).verdict, SessionVerdict::kHybrid);
  EXPECT_EQ(sessions.at(0).server.Text(), "[2001:db8::2]:443");
  EXPECT_EQ(Read(cooked, LinkType::kLinuxCooked).at(0).verdict, SessionVerdict::kHybrid);
}

TEST(CaptureTest, FragmentsArePutTogetherInAnyOrder) {
  std::vector<Bytes> frames;
  for (const Segment& segment : Conversation(kX25519MlKem768)) {
    const Bytes tcp = Tcp(segment);
    if (tcp.size() < 200) {
      frames.push_back(Ethernet(Ipv4(tcp, segment.from_client)));
      continue;
    }
    const Bytes first(tcp.begin(), tcp.begin() + 160);
    const Bytes second(tcp.begin() + 160, tcp.end());
    const auto id = static_cast<std::uint16_t>(frames.size());
    frames.push_back(Ethernet(Ipv4(second, segment.from_client, 160 / 8, id)));
    frames.push_back(Ethernet(Ipv4(first, segment.from_client, 0x2000, id)));
  }
  EXPECT_EQ(Read(frames).at(0).verdict, SessionVerdict::kHybrid);
}

TEST(CaptureTest, FragmentsThatOverlapDropTheirDatagram) {
  std::vector<Bytes> frames;
  for (const Segment& segment : Conversation(kX25519MlKem768)) {
    const Bytes tcp = Tcp(segment);
    if (tcp.size() < 200) {
      frames.push_back(Ethernet(Ipv4(tcp, segment.from_client)));
      continue;
    }
    const Bytes first(tcp.begin(), tcp.begin() + 168);  // eight bytes too many
    const Bytes second(tcp.begin() + 160, tcp.end());
    const auto id = static_cast<std::uint16_t>(frames.size());
    frames.push_back(Ethernet(Ipv4(first, segment.from_client, 0x2000, id)));
    frames.push_back(Ethernet(Ipv4(second, segment.from_client, 160 / 8, id)));
  }
  for (const CapturedSession& session : Read(frames)) {
    EXPECT_NE(session.verdict, SessionVerdict::kHybrid);
  }
}

TEST(CaptureTest, FragmentsOfIpv6ArePutTogether) {
  const auto fragment = [](ByteView piece, bool from_client, std::uint16_t offset, bool more,
                           std::uint32_t id) {
    Bytes out;
    PutU32(out, 0x60000000);
    PutU16(out, static_cast<std::uint16_t>(piece.size() + 8));
    PutU8(out, 44);  // RFC 8200 section 4.5
    PutU8(out, 64);
    for (const bool source : {true, false}) {
      Put(out, Hex(source == from_client ? "20010db8000000000000000000000001"
                                         : "20010db8000000000000000000000002"));
    }
    PutU8(out, 6);
    PutU8(out, 0);
    PutU16(out, static_cast<std::uint16_t>(offset | (more ? 1U : 0U)));
    PutU32(out, id);
    Put(out, piece);
    return Ethernet(out, "86dd");
  };
  std::vector<Bytes> frames;
  for (const Segment& segment : Conversation(kX25519MlKem768)) {
    const Bytes tcp = Tcp(segment);
    const auto id = static_cast<std::uint32_t>(frames.size());
    const std::size_t cut = tcp.size() < 200 ? 8 : 160;
    frames.push_back(fragment(ByteView(tcp).first(cut), segment.from_client, 0, true, id));
    frames.push_back(fragment(ByteView(tcp).subspan(cut), segment.from_client,
                              static_cast<std::uint16_t>(cut), false, id));
  }
  EXPECT_EQ(Read(frames).at(0).verdict, SessionVerdict::kHybrid);
}

TEST(CaptureTest, PortsThatAreUsedAgainAreAnotherSession) {
  std::vector<Bytes> frames = Frames(Conversation(kX25519MlKem768));
  for (const Bytes& frame : Frames(Conversation(kX25519))) {
    frames.push_back(frame);
  }
  const Sessions sessions = Read(frames);
  ASSERT_EQ(sessions.size(), 2U);
  EXPECT_EQ(sessions[0].verdict, SessionVerdict::kHybrid);
  EXPECT_EQ(sessions[1].verdict, SessionVerdict::kClassical);
}

TEST(CaptureTest, ASnapLengthThatCutsTheHelloIsSaid) {
  Sessions sessions;
  Capture capture(LinkType::kEthernet,
                  [&](CapturedSession session) { sessions.push_back(std::move(session)); });
  for (const Bytes& frame : Frames(Conversation(kX25519))) {
    const auto wire = static_cast<std::uint32_t>(frame.size());
    capture.Frame(ByteView(frame).first(std::min<std::size_t>(frame.size(), 128)), wire, 1);
  }
  capture.End();
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0].verdict, SessionVerdict::kUnknown);
  EXPECT_EQ(sessions[0].why, "the ClientHello was not captured whole");
}

TEST(CaptureTest, StartTlsIsFoundBehindItsPlainText) {
  const Bytes greeting = Hex("323230206d61696c0d0a");
  const std::string ehlo = "EHLO x\r\nSTARTTLS\r\n";
  const std::string ready = "220 go\r\n";
  const auto said = static_cast<std::uint32_t>(ehlo.size());
  Bytes words;
  Put(words, AsBytes(ehlo));
  Bytes answer;
  Put(answer, AsBytes(ready));
  const auto heard = static_cast<std::uint32_t>(greeting.size() + answer.size());
  const Sessions sessions =
      Read(Frames({{true, 99, kSyn},
                   {false, 499, kSynAck},
                   {false, 500, 0x10, greeting},
                   {true, 100, 0x10, words},
                   {false, 500 + static_cast<std::uint32_t>(greeting.size()), 0x10, answer},
                   {true, 100 + said, 0x10, OfClient()},
                   {false, 500 + heard, 0x10, OfServer(kX25519)}}));
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0].protocol, "smtp");
  EXPECT_EQ(sessions[0].verdict, SessionVerdict::kClassical) << sessions[0].why;
}

TEST(CaptureTest, AnAlertBehindPostgresqlsYesIsARefusal) {
  const Bytes request = Hex("0000000804d2162f");
  const Bytes yes = Hex("53");
  const Bytes alert = Hex("15030100020228");
  const Sessions sessions = Read(Frames({{true, 99, kSyn},
                                         {false, 499, kSynAck},
                                         {true, 100, 0x10, request},
                                         {false, 500, 0x10, yes},
                                         {true, 108, 0x10, OfClient()},
                                         {false, 501, 0x10, alert}}));
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0].protocol, "postgres");
  EXPECT_EQ(sessions[0].verdict, SessionVerdict::kRefused) << sessions[0].why;
  EXPECT_EQ(sessions[0].why, "refused: handshake_failure");
}

TEST(CaptureTest, ARetryThatTheServerThenRefusesKeepsTheGroupItAskedFor) {
  std::vector<Segment> segments = Conversation(kX25519);
  segments[4].payload = OfServer(kX25519MlKem768, true);
  Put(segments[4].payload, Hex("15030300020232"));
  const Sessions sessions = Read(Frames(segments));
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0].verdict, SessionVerdict::kRefused);
  EXPECT_EQ(sessions[0].retry_group, kX25519MlKem768);
}

TEST(CaptureTest, AConnectionThatBeganBeforeTheCaptureKnowsItsServerByThePort) {
  Bytes banner;
  Put(banner, AsBytes("SSH-2.0-OpenSSH_10.0\r\n"));
  const Sessions sessions = Read(Frames({{false, 500, 0x10, banner}}));
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0].server.Text(), "10.0.0.2:443");
  EXPECT_EQ(sessions[0].verdict, SessionVerdict::kUnknown);
}

TEST(CaptureTest, AServerThatClosesWithoutAWordHasRefused) {
  std::vector<Segment> segments = Conversation(kX25519);
  segments.erase(segments.begin() + 4);
  const Sessions sessions = Read(Frames(segments));
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0].verdict, SessionVerdict::kRefused);
  EXPECT_EQ(sessions[0].OpenableBytes(), 0U);
}

TEST(CaptureTest, PlainHttpCanBeReadNow) {
  Bytes request;
  Put(request, AsBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  const Sessions sessions = Read(Frames({{true, 99, kSyn}, {true, 100, 0x10, request}}));
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0].verdict, SessionVerdict::kPlain);
  EXPECT_EQ(sessions[0].OpenableBytes(), request.size());
}

TEST(CaptureTest, EveryTruncatedFrameIsAnErrorOfThatFrameOnly) {
  const std::vector<Bytes> whole = Frames(Conversation(kX25519MlKem768));
  for (std::size_t size = 0; size < 54; ++size) {
    std::vector<Bytes> frames = whole;
    frames.insert(frames.begin(),
                  Bytes(whole[2].begin(), whole[2].begin() + static_cast<std::ptrdiff_t>(size)));
    CaptureCounts counts;
    const Sessions sessions = Read(frames, LinkType::kEthernet, &counts);
    EXPECT_EQ(counts.malformed, 1U) << size;
    EXPECT_TRUE(counts.first_reason.starts_with("frame 1 at byte ")) << counts.first_reason;
    ASSERT_EQ(sessions.size(), 1U);
    EXPECT_EQ(sessions[0].verdict, SessionVerdict::kHybrid);
  }
}

TEST(CaptureTest, MemoryIsBoundedWhateverComes) {
  // A capture of nothing but beginnings: the longest silent are handed out.
  Sessions sessions;
  Capture capture(LinkType::kRaw,
                  [&](CapturedSession session) { sessions.push_back(std::move(session)); });
  Bytes request;
  Put(request, AsBytes("GET / HTTP/1.1\r\n"));
  for (std::uint32_t i = 0; i < Capture::kMaxSessions + 100; ++i) {
    Bytes frame = Ipv4(Tcp({true, 1, 0x10, request}), true);
    frame[13] = static_cast<std::byte>(i >> 16);
    frame[14] = static_cast<std::byte>(i >> 8);
    frame[15] = static_cast<std::byte>(i);
    capture.Frame(frame, static_cast<std::uint32_t>(frame.size()), 1);
  }
  EXPECT_EQ(sessions.size(), 100U);
  EXPECT_EQ(capture.counts().given_up, 100U);
}

}  // namespace
}  // namespace casemate::flows
