#include "flows/ssh_kexinit.h"

#include <gtest/gtest.h>

namespace casemate::flows {
namespace {

void PutList(Bytes& out, std::string_view names) {
  PutU32(out, static_cast<std::uint32_t>(names.size()));
  Put(out, AsBytes(names));
}

// RFC 4253 section 7.1.
Bytes KexInit(std::string_view key_exchange) {
  Bytes payload = {std::byte{20}};
  payload.resize(17);
  PutList(payload, key_exchange);
  PutList(payload, "ssh-ed25519");
  PutList(payload, "aes256-gcm@openssh.com");
  PutList(payload, "aes128-gcm@openssh.com");
  for (int i = 0; i < 6; ++i) {
    PutList(payload, i < 4 ? "none" : "");
  }
  payload.resize(payload.size() + 5);
  return payload;
}

Bytes Session(std::string_view lines, const Bytes& payload) {
  Bytes out;
  Put(out, AsBytes(lines));
  const std::size_t padding = 8;
  PutU32(out, static_cast<std::uint32_t>(payload.size() + padding + 1));
  out.push_back(static_cast<std::byte>(padding));
  Put(out, payload);
  out.resize(out.size() + padding);
  return out;
}

TEST(SshKexInitTest, ReadsAnOfferBehindItsVersionWhereverItIsCut) {
  const Bytes session = Session("hello\r\nSSH-2.0-OpenSSH_10.0\r\n",
                                KexInit("mlkem768x25519-sha256,curve25519-sha256"));
  for (std::size_t cut = 0; cut < session.size(); ++cut) {
    SshReader reader;
    const ByteView all(session);
    EXPECT_FALSE(reader.Feed(all.first(cut)).has_value()) << cut;
    std::optional<Result<SshOffer>> offer = reader.Feed(all.subspan(cut));
    ASSERT_TRUE(offer.has_value() && offer->has_value()) << cut;
    EXPECT_EQ((*offer)->software, "OpenSSH_10.0");
    EXPECT_EQ((*offer)->key_exchange.size(), 2U);
    EXPECT_EQ((*offer)->host_keys.front(), "ssh-ed25519");
    EXPECT_EQ((*offer)->ciphers.front(), "aes128-gcm@openssh.com");
  }
}

TEST(SshKexInitTest, EveryTruncatedOfferIsRefused) {
  const Bytes payload = KexInit("curve25519-sha256");
  for (std::size_t size = 0; size < payload.size(); ++size) {
    EXPECT_FALSE(ParseKexInit(ByteView(payload).first(size)).has_value()) << size;
  }
}

TEST(SshKexInitTest, WhatIsNotSshIsRefused) {
  for (const std::string& said : {std::string("SSH-1.5-old\r\n"),
                                  std::string("SSH-2.0-bad\x01\r\n"), std::string(300, 'a'), [] {
                                    std::string lines;
                                    for (int i = 0; i < 70; ++i) {
                                      lines += "x\n";
                                    }
                                    return lines;
                                  }()}) {
    SshReader reader;
    std::optional<Result<SshOffer>> offer = reader.Feed(AsBytes(said));
    ASSERT_TRUE(offer.has_value()) << said;
    EXPECT_FALSE(offer->has_value()) << said;
  }
}

TEST(SshKexInitTest, AHugePacketIsRefusedBeforeItComes) {
  SshReader reader;
  Bytes said;
  Put(said, AsBytes("SSH-2.0-x\r\n"));
  PutU32(said, 1'000'000);
  said.push_back(std::byte{4});
  std::optional<Result<SshOffer>> offer = reader.Feed(said);
  ASSERT_TRUE(offer.has_value());
  EXPECT_FALSE(offer->has_value());
}

}  // namespace
}  // namespace casemate::flows
