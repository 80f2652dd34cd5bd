#include "flows/server_answer.h"

#include <gtest/gtest.h>

#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

using Kind = ServerAnswer::Kind;

Bytes Hex(std::string_view text) { return FromHex(text).value(); }

// RFC 8448 section 3: the ServerHello of "Simple 1-RTT Handshake", in its record.
const Bytes rfc8448 = Hex(
    "160303005a020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e2692800130100"
    "002e00330024001d0020c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b000203"
    "04");
// RFC 8448 section 5: the HelloRetryRequest, without its cookie.
const Bytes retry =
    Hex("160303003802000034"
        "0303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c0013010000"
        "0c002b0002030400330002"
        "11ec");
const Bytes alert_handshake_failure = Hex("15030300020228");

TEST(ServerAnswerTest, ReadsTheServerHelloOfRfc8448) {
  AnswerReader reader;
  std::optional<ServerAnswer> answer = reader.Feed(rfc8448);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->kind, Kind::kServerHello) << answer->reason;
  EXPECT_EQ(answer->version, kTls13);
  EXPECT_EQ(answer->group, kX25519);
  EXPECT_EQ(CipherName(answer->cipher), "TLS_AES_128_GCM_SHA256");
}

TEST(ServerAnswerTest, ARetryNamesTheGroupThatTheServerWants) {
  AnswerReader reader;
  std::optional<ServerAnswer> answer = reader.Feed(retry);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->kind, Kind::kRetry) << answer->reason;
  EXPECT_EQ(answer->group, kX25519MlKem768);
}

TEST(ServerAnswerTest, AnswersTheSameWhereverTheStreamIsCut) {
  for (std::size_t cut = 0; cut < rfc8448.size(); ++cut) {
    AnswerReader reader;
    const ByteView all(rfc8448);
    EXPECT_FALSE(reader.Feed(all.first(cut)).has_value()) << cut;
    std::optional<ServerAnswer> answer = reader.Feed(all.subspan(cut));
    ASSERT_TRUE(answer.has_value()) << cut;
    EXPECT_EQ(answer->group, kX25519) << cut;
  }
}

TEST(ServerAnswerTest, AMessageMaySpanRecords) {
  const ByteView body = ByteView(rfc8448).subspan(5);
  Bytes two;
  for (const ByteView part : {body.first(7), body.subspan(7)}) {
    Put(two, Hex("160303"));
    PutU16(two, static_cast<std::uint16_t>(part.size()));
    Put(two, part);
  }
  AnswerReader reader;
  std::optional<ServerAnswer> answer = reader.Feed(two);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->kind, Kind::kServerHello);
}

TEST(ServerAnswerTest, AnAlertIsARefusalWithAName) {
  AnswerReader reader;
  std::optional<ServerAnswer> answer = reader.Feed(alert_handshake_failure);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->kind, Kind::kAlert);
  EXPECT_EQ(Describe(*answer), "refused: handshake_failure");
}

TEST(ServerAnswerTest, WhatIsNotTlsIsSaidAtOnce) {
  for (const auto& [said, reason] :
       {std::pair<std::string, std::string>{"HTTP/1.1 400 Bad Request\r\n", "plain HTTP"},
        {"SSH-2.0-OpenSSH_10.0\r\n", "SSH: probe it as ssh://HOST"},
        {"220 mail ESMTP\r\n", "a mail server in plain text: probe it with --starttls"},
        {"garbage", "no TLS record"}}) {
    AnswerReader reader;
    std::optional<ServerAnswer> answer = reader.Feed(AsBytes(said));
    ASSERT_TRUE(answer.has_value()) << said;
    EXPECT_EQ(answer->kind, Kind::kNotTls);
    EXPECT_EQ(answer->reason, reason);
  }
}

TEST(ServerAnswerTest, EveryTruncatedServerHelloIsRefusedWithThePlace) {
  const ByteView body = ByteView(rfc8448).subspan(9);
  for (std::size_t size = 0; size < body.size(); ++size) {
    // Without its extensions a ServerHello of TLS 1.2 is whole; no other prefix is.
    Result<ServerAnswer> answer = ParseServerHello(body.first(size));
    EXPECT_EQ(answer.has_value(), size == 38) << size;
    if (!answer) {
      EXPECT_TRUE(answer.error().message.starts_with("at byte ")) << answer.error().message;
    }
  }
}

TEST(ServerAnswerTest, AnEndIsTellingByWhereItComes) {
  AnswerReader silent;
  EXPECT_EQ(silent.End(Kind::kSilent).kind, Kind::kSilent);
  AnswerReader cut;
  EXPECT_FALSE(cut.Feed(ByteView(rfc8448).first(20)).has_value());
  EXPECT_EQ(cut.End(Kind::kClosed).kind, Kind::kBroken);
}

TEST(ServerAnswerTest, EndlessFlightsAndRecordsAreCutOff) {
  AnswerReader reader;
  std::optional<ServerAnswer> answer = reader.Feed(Hex("160303ffff"));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->kind, Kind::kBroken);

  AnswerReader flood;
  std::optional<ServerAnswer> cut;
  const Bytes message =
      Hex("1603030004"
          "02ffffff");
  for (int i = 0; i < 10 && !cut; ++i) {
    cut = flood.Feed(message);
  }
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->kind, Kind::kBroken);
}

// A flight of TLS 1.2: ServerHello, Certificate, ServerKeyExchange for secp256r1.
TEST(ServerAnswerTest, Tls12NamesItsCurveInTheKeyExchange) {
  Bytes flight =
      Hex("02000026"
          "0303" +
          std::string(64, '0') +
          "00"
          "c02b"
          "00");
  Put(flight, Hex("0b000007"
                  "000004"
                  "000001"
                  "aa"));
  Put(flight, Hex("0c00000d"
                  "030017"
                  "0104"
                  "0403"
                  "0004"
                  "01020304"));
  Bytes record = Hex("160303");
  PutU16(record, static_cast<std::uint16_t>(flight.size()));
  Put(record, flight);
  AnswerReader reader;
  std::optional<ServerAnswer> answer = reader.Feed(record);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->version, kTls12);
  EXPECT_EQ(answer->group, kSecp256r1);
  EXPECT_EQ(SignatureName(answer->signature), "ecdsa_secp256r1_sha256");
  ASSERT_EQ(answer->certificates.size(), 1U);
  EXPECT_EQ(ToHex(answer->certificates[0]), "aa");
}

// A text that comes in pieces is known by what it is, whole or short.
TEST(AnswerReaderTest, PlainTextIsRecognisedHoweverItIsCut) {
  const std::string text = "HTTP/1.1 400 Bad Request\r\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    AnswerReader reader;
    std::optional<ServerAnswer> answer = reader.Feed(AsBytes(text.substr(0, cut)));
    if (!answer) {
      answer = reader.Feed(AsBytes(text.substr(cut)));
    }
    ASSERT_TRUE(answer.has_value()) << cut;
    EXPECT_EQ(answer->reason, "plain HTTP") << cut;
  }
  AnswerReader reader;
  EXPECT_FALSE(reader.Feed(AsBytes("SSH-")).has_value());
  EXPECT_EQ(reader.End(ServerAnswer::Kind::kClosed).reason, "SSH: probe it as ssh://HOST");
}

}  // namespace
}  // namespace casemate::flows
